"""What a function's container is in gVisor's terms: which program it starts with, and its OCI configuration. Pure.

Source: the OCI runtime specification, config.md. The root holds everything but what a mount below adds; gVisor gives
/dev and /sys of its own by itself.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stoker.bootstrap.python_function import CHANNEL, TASK_ROOT
from stoker.bootstrap.rootfs import UID
from stoker.bootstrap.worker import OPEN_FILES
from stoker.sandbox.blank import HOSTNAME
from stoker.sandbox.linux_driver import ENTRYPOINTS, node_command, wrapped_command
from stoker.sandbox.spec import SandboxSpec

PYTHON_BOOTSTRAP = "/var/runtime/platform/stoker/bootstrap/exec_python.py"
# The host's end of the channel comes in as standard input; Node wants it elsewhere, and nothing to read there.
MOVE_CHANNEL = ["/bin/sh", "-c", f'exec "$@" {CHANNEL}<&0 0</dev/null', "sh"]
# What keeps a container while the processes in it come and go.
PAUSE = ["/bin/sleep", "infinity"]
NAMESPACES = ("pid", "ipc", "uts", "mount")
LIMITS = {"RLIMIT_NOFILE": OPEN_FILES, "RLIMIT_CORE": 0}


def order(spec: SandboxSpec) -> dict[str, Any]:
    """What `gvisor_launcher` is told to start: {"argv", "environment"}, or "entrypoints" to choose argv from.

    The names of external extensions come on top, as "extensions".
    """
    environment = dict(spec.environment)
    if spec.wrapper is not None:
        return {"argv": wrapped_command(spec), "environment": environment}
    if spec.runtime.kind == "python":
        interpreter = [str(spec.runtime.executable), "-I", "-S", "-X", "utf8"]
        return {"argv": [*interpreter, PYTHON_BOOTSTRAP, spec.handler], "environment": environment}
    if spec.runtime.kind == "node":
        environment["STOKER_CHANNEL_FD"] = str(CHANNEL)
        return {
            "argv": [*MOVE_CHANNEL, *node_command(spec.program)],
            "environment": environment,
        }
    return {"entrypoints": ENTRYPOINTS, "environment": environment}


def configuration(argv: Sequence[str], environment: Mapping[str, str], root: Path) -> dict[str, Any]:
    """The OCI configuration: an unprivileged process on a read-only root, with /tmp as its only place to write."""
    return {
        "ociVersion": "1.0.2",
        "hostname": HOSTNAME,
        "root": {"path": str(root), "readonly": True},
        "process": process(argv, environment, TASK_ROOT),
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            # A mount of its own in gVisor, since the root is read-only there as a whole.
            {"destination": "/tmp", "type": "bind", "source": str(root / "tmp"), "options": ["rw", "nosuid", "nodev"]},
        ],
        "linux": {"namespaces": [{"type": name} for name in NAMESPACES]},
    }


def process(argv: Sequence[str], environment: Mapping[str, str], directory: str) -> dict[str, Any]:
    """One of its processes: unprivileged, for good."""
    nothing: list[str] = []
    return {
        "user": {"uid": UID, "gid": UID},
        "args": list(argv),
        "env": [f"{name}={value}" for name, value in environment.items()],
        "cwd": directory,
        "noNewPrivileges": True,
        "capabilities": dict.fromkeys(("bounding", "effective", "inheritable", "permitted", "ambient"), nothing),
        "rlimits": [{"type": name, "soft": value, "hard": value} for name, value in LIMITS.items()],
    }
