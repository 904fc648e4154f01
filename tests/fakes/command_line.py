"""The command `stoker` in a process of its own, as its users start it."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

STOKER = Path(sys.executable).with_name("stoker")
_TIMEOUT_S = 300
# Some machines forbid .pyc files, and then each start of the command compiles boto3 anew, for most of a second.
_COMPILED = Path(sys.prefix) / "tests-pycache"


def stoker(
    environment: Mapping[str, str], *arguments: str | Path, status: int = 0, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; it has to leave this exit status and no traceback of its own."""
    done = subprocess.run(
        [STOKER, *map(str, arguments)],
        env=compiling(environment),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
    )
    assert done.returncode == status, f"{done.stdout}\n{done.stderr}"
    assert "stoker/cli" not in done.stderr, "a traceback of the command's own"
    return done


def compiling(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment in which Python keeps what it has compiled, in a place of the tests' own."""
    variables = {name: value for name, value in environment.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**variables, "PYTHONPYCACHEPREFIX": str(_COMPILED)}
