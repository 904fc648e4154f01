"""A Python function's process once everything around it is built: streams, module path, the official runtime client.

Reached by a fork (`worker.py`) or by executing the interpreter (`exec_python.py`), so it imports only what both need.
"""

from __future__ import annotations

import os
import socket
import sys
import time

from stoker.bootstrap import python_client

CHANNEL = 3
TASK_ROOT = "/var/task"


def complete_interpreter() -> None:
    """Give an interpreter that was started with -S what functions expect of it, and import the runtime client."""
    import site

    import awslambdaric.bootstrap
    import awslambdaric.lambda_literals  # noqa: F401

    # Started with -S, so that no package of the host's interpreter is in view; these are builtins that functions use.
    site.setquit()
    site.setcopyright()
    site.sethelper()


def open_streams() -> None:
    """Standard streams that take any text, as those of the interpreter's start belong to Stoker."""
    for name, descriptor, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        stream = open(descriptor, mode, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)
        setattr(sys, "__%s__" % name, stream)


def run(handler: str, template: bool = False) -> None:
    """Serve a handler over the channel at 3, with the module path and the modules that AWS shows it.

    As a `template` it only gets that far, and its memory is taken: see `template_client`.
    """
    show_function()
    client = _client(template)
    hide_platform()
    python_client.run(handler, client)


def show_function() -> None:
    """The module path that AWS shows a function."""
    # The order of AWS's runtime: the function's own files, its layers', then PYTHONPATH, then the interpreter's.
    version = "python%d.%d" % sys.version_info[:2]
    own = [TASK_ROOT, "/opt/python/lib/%s/site-packages" % version, "/opt/python"]
    chosen = [entry for entry in os.environ.get("PYTHONPATH", "").split(":") if entry]
    rest = [entry for entry in sys.path if entry not in (*own, *chosen, "/var/runtime")]
    sys.path[:] = own + chosen + rest
    sys.argv[:] = ["/var/runtime/bootstrap"]
    time.tzset()


def hide_platform() -> None:
    """Nothing of Stoker's own is imported any more."""
    # The function must find its own `stoker`, if it has one, and not the platform's.
    for name in [name for name in sys.modules if name == "stoker" or name.startswith("stoker.")]:
        del sys.modules[name]


def _client(template: bool) -> python_client.ChannelClient:
    if not template:
        return python_client.ChannelClient(socket.socket(fileno=CHANNEL))
    from stoker.bootstrap import template_client

    template_client.apart()
    return template_client.TemplateClient(socket.socket(fileno=CHANNEL))
