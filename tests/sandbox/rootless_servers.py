"""Servers that lack something: started by an ordinary user, or by root without cgroups."""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from fakes.live_server import LiveServer, free_port

# No account has it.
UID = 54_321
_HERE = Path(__file__).parent
WITHOUT_CGROUPS = [sys.executable, str(_HERE / "without_cgroups.py")]
WEAK = ["--allow-weak-isolation"]


@contextlib.contextmanager
def ordinary_users_server(options: list[str], uid: int = UID) -> Iterator[LiveServer]:
    """A server, not yet started, whose data directory belongs to the user; pytest's own are root's alone."""
    with tempfile.TemporaryDirectory(prefix="stoker-rootless-") as name:
        Path(name).chmod(0o755)
        os.chown(name, uid, uid)
        launcher = [sys.executable, str(_HERE / "ordinary_user.py"), str(uid)]
        yield LiveServer(data=Path(name), port=free_port(), options=options, launcher=launcher)


def refusal(server: LiveServer) -> str:
    """What a server says that does not start."""
    done = subprocess.run(
        [*server.launcher, *server.command()], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1
    return done.stderr


def processes_of(uid: int) -> list[str]:
    """The command lines of a user's processes."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if path.stat().st_uid == uid or f"\nUid:\t{uid}\t" in (path / "status").read_text():
                found.append((path / "cmdline").read_text().replace("\0", " "))
    return found


def wait_for_nobody(uid: int, patience_s: float = 10.0) -> list[str]:
    """The user's processes that are still there after that long at most."""
    deadline = time.monotonic() + patience_s
    while (left := processes_of(uid)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left
