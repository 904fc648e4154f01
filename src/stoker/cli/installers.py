"""Running somebody else's tool, such as pip or npm, and telling what it said when it failed."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

from stoker.cli.failures import CliError

_LINES_SHOWN = 8


def run_tool(tool: str, command: list[str], folder: Path) -> None:
    """Run an installer in a folder, silently. Raises CliError with the end of its output when it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        said = "\n".join(last_lines(done.stdout.splitlines() + done.stderr.splitlines()))
        raise CliError(f"{tool} could not install the dependencies (exit status {done.returncode}). It said:\n{said}")


def last_lines(lines: Iterable[str]) -> list[str]:
    """The end of what a tool said, where it tells why it gave up."""
    return [line for line in lines if line.strip()][-_LINES_SHOWN:]
