"""gVisor's program on this machine: where it is, what it offers, and the command that runs a container. No state."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stoker.sandbox.driver import SandboxError

# Fastest first, of those that need no hardware: systrap came in 2023; ptrace is everywhere.
PREFERRED_PLATFORMS = ("systrap", "ptrace")
ANSWER_TIMEOUT_S = 20.0
# `runsc run` ends with the container's code, and when a signal ended that with 128 and its number, as a shell does.
SIGNAL_CODES = 128


@dataclass(frozen=True, kw_only=True)
class Runsc:
    """A `runsc` to use with one of its platforms (how it catches a function's system calls)."""

    program: Path
    platform: str

    @classmethod
    def find(cls, platform: str | None = None) -> "Runsc":
        """The one on the PATH, with this platform or its best; SandboxError says what to install or choose."""
        program = shutil.which("runsc")
        if program is None:
            raise SandboxError("runsc is not on the PATH: install gVisor (Debian and Ubuntu: `apt install runsc`)")
        command = [program, "help", "platforms"]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_TIMEOUT_S, check=False)
        return cls(program=Path(program), platform=choose_platform(answer.stdout.split(), platform))

    def command(self, *, bundle: Path, state: Path, name: str) -> list[str]:
        """Run the bundle's container until it ends. The caller stands in the container's network namespace."""
        return [*self._on(state), "run", f"--bundle={bundle}", name]

    def exec_command(self, *, process: Path, pid: Path, state: Path, name: str) -> list[str]:
        """Run another process in a running container, described by a file, until it ends; `pid` will have its pid."""
        return [*self._on(state), "exec", f"--process={process}", f"--internal-pid-file={pid}", name]

    def terminate(self, *, pid: Path, state: Path, name: str) -> None:
        """SIGTERM to the process whose pid is in this file, if it is there yet: `exec` does not pass signals on."""
        if pid.exists():
            command = [*self._on(state), "kill", f"--pid={pid.read_text()}", name, "TERM"]
            subprocess.run(command, capture_output=True, timeout=ANSWER_TIMEOUT_S, check=False, env={})

    def is_running(self, *, state: Path, name: str) -> bool:
        """Whether the container has come up."""
        command = [*self._on(state), "state", name]
        answer = subprocess.run(command, capture_output=True, timeout=ANSWER_TIMEOUT_S, check=False, env={})
        return answer.returncode == 0 and json.loads(answer.stdout)["status"] == "running"

    def _on(self, state: Path) -> list[str]:
        """The program with what it is told for every container.

        The Sentry makes the function's socket calls in that namespace, whose rules hold; cgroups are ours; and nobody
        else changes the files of a mount while the container has it.
        """
        flags = ("--network=host", "--ignore-cgroups", "--file-access-mounts=exclusive", f"--platform={self.platform}")
        return [str(self.program), *flags, f"--root={state}"]


def choose_platform(offered: Sequence[str], wanted: str | None) -> str:
    """The wanted platform, or the best; SandboxError if it is not offered."""
    for platform in (wanted,) if wanted else PREFERRED_PLATFORMS:
        if platform in offered:
            return platform
    asked = wanted or " or ".join(PREFERRED_PLATFORMS)
    raise SandboxError(f"this runsc has no platform {asked}; it offers {', '.join(offered) or 'none'}")
