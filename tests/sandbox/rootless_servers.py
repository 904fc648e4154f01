"""Servers that lack something: started by an ordinary user, or by root without cgroups."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from fakes.live_server import LiveServer, free_port

# No account has it, nor has another run of these tests; the next one is theirs too.
UID = 50_000 + 2 * (os.getpid() % 5_000)
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
        [*server.launcher, *server.command()], capture_output=True, text=True, timeout=120, check=False
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
