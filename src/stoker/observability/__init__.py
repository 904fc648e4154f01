"""Logs, metering and the bill's ledger: kept apart from the state, cheap to append to, queried through SQLite.

An answered invocation leaves its lines and its ledger row in a memory-mapped journal (`journal.py`) before the answer
goes out; a thread moves them into the telemetry database behind. May import only `model`, `settings` and `linux`
of Stoker's. Read `telemetry.py` first. `log_format.py`, `metering.py` and the filter patterns are pure.
"""
