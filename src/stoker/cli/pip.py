"""requirements.txt: what it takes in, and how pip installs it beside the code."""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from stoker.cli.failures import CliError
from stoker.cli.installers import run_tool

FILE_NAME = "requirements.txt"

_NESTED = re.compile(r"^\s*(?:-r|--requirement|-c|--constraint)[\s=]*(\S+)", re.MULTILINE)
_LOCAL = re.compile(r"^\s*(?:-e|--editable|\.|/|file:)|@\s*file:", re.MULTILINE)
_SAYS_SOMETHING = re.compile(r"^\s*[^#\s]", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Requirements:
    """A list, and the texts of it and of those that it takes in."""

    path: Path
    texts: tuple[str, ...]

    @property
    def repeatable(self) -> bool:
        """Whether the texts decide the outcome; a folder that they point at can change without them."""
        return not any(map(_LOCAL.search, self.texts))


@dataclass(frozen=True, kw_only=True)
class Target:
    """The runtime to install for; `interpreter` is None when this machine lacks it."""

    runtime_name: str
    interpreter: Path | None


def read_requirements(folder: Path) -> Requirements | None:
    """The folder's list; None when there is none or it is empty."""
    path = folder / FILE_NAME
    if not path.is_file() or not _SAYS_SOMETHING.search(path.read_text()):
        return None
    texts: dict[Path, str] = {}
    pending = [path]
    while pending:
        current = pending.pop()
        if current in texts:
            continue
        if not current.is_file():
            raise CliError(f"{current} is not there, but {path} takes it in.")
        texts[current] = current.read_text()
        pending += [current.parent / name for name in _NESTED.findall(texts[current]) if "://" not in name]
    return Requirements(path=path, texts=tuple(texts.values()))


def install(requirements: Requirements, target: Target, place: Path) -> None:
    """Install into a folder. Raises CliError with pip's last words, or saying that there is no pip."""
    asked = ["install", "--requirement", str(requirements.path.resolve()), "--target", str(place)]
    asked += ["--no-input", "--disable-pip-version-check", "--no-compile", "--quiet"]
    run_tool("pip", [*_pip(target), *asked, *_elsewhere(target)], requirements.path.parent)
    if target.interpreter is not None:
        _compile(target.interpreter, place)


def _pip(target: Target) -> list[str]:
    for interpreter in (target.interpreter, Path(sys.executable)):
        if interpreter is not None and _has_pip(interpreter):
            # -I keeps this process's PYTHONPATH and the user's own packages from counting as installed.
            return [str(interpreter), "-I", "-m", "pip"]
    raise CliError(f"There is no pip to install {FILE_NAME} with: `apt install python3-pip`.")


def _elsewhere(target: Target) -> list[str]:
    """Another interpreter's pip cannot build for this runtime, but it can fetch what is built already."""
    if target.interpreter is not None and _has_pip(target.interpreter):
        return []
    version = target.runtime_name.removeprefix("python")
    return ["--python-version", version, "--implementation", "cp", "--only-binary=:all:"]


def _has_pip(interpreter: Path) -> bool:
    asks = "import importlib.util as found; raise SystemExit(found.find_spec('pip') is None)"
    return subprocess.run([str(interpreter), "-I", "-c", asks], capture_output=True, check=False).returncode == 0


def _compile(interpreter: Path, place: Path) -> None:
    """Compile ahead: a function cannot write beside its code and would compile again at every cold start.

    `unchecked-hash`, since the fixed times of the package make every other kind of .pyc look stale. `-s` and `-p` put
    the place where the code will be into its tracebacks. The exit status only says that some file didn't compile, and
    packages do ship such files, for other versions of Python.
    """
    options = ["-q", "--invalidation-mode", "unchecked-hash", "-s", str(place), "-p", "/var/task"]
    command = [str(interpreter), "-I", "-m", "compileall", *options, str(place)]
    subprocess.run(command, capture_output=True, check=False)
