"""Execution environments: a function's process in its sandbox, from its first line of log to its last.

May import `functions`, `runtime_api`, `sandbox`, `observability` and below. Read `assignment.py` first (which
environment an invocation gets, pure; `admission.py` has the limits), then `fleet.py` (acts on that), `environment.py`
(the life of one), `execution.py` (its invocations) and `state.py` (its table). `process.py` is the function's process
with its extensions. `provisioning.py` starts those that nobody waits for.
"""
