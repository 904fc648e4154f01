"""What is measured beside Stoker, installed once into `~/.cache/stoker-bench`, outside the project."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from target import TargetError

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "stoker-bench"
PATIENCE_S = 300


def from_npm(*packages: str) -> Path:
    """A directory with these packages in its `node_modules`. Raises TargetError."""
    npm = shutil.which("npm")
    if npm is None:
        raise TargetError("npm is not installed")
    directory = _directory(*packages)
    # Install scripts only fetch optional binaries, which these packages run without.
    command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", *packages]
    if not (directory / "package.json").exists():
        (directory / "package.json").write_text('{"private": true}')
    return _once(command, directory)


def from_pypi(*packages: str) -> Path:
    """A directory with these packages, importable by this interpreter from there. Raises TargetError."""
    directory = _directory("python{}.{}".format(*sys.version_info[:2]), *packages)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(directory), *packages]
    return _once(command, directory)


def _directory(*parts: str) -> Path:
    directory = CACHE / "_".join(part.replace("/", "-").replace(":", "-") for part in parts)
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _once(command: Sequence[str], directory: Path) -> Path:
    """Run it there, unless it has been run to its end before."""
    mark = directory.with_name(f"{directory.name}.installed")
    if mark.exists():
        return directory
    try:
        ended = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=PATIENCE_S)
    except subprocess.TimeoutExpired as error:
        raise TargetError(f"{command[0]} took longer than {PATIENCE_S} s") from error
    if ended.returncode != 0:
        raise TargetError(f"{' '.join(command[:3])} failed: {ended.stderr[-500:]}")
    mark.touch()
    return directory
