"""The runtime catalogue: which interpreters this machine has, by Lambda's identifiers.

Nothing is downloaded: a function whose runtime is missing is refused with what to install.
"""

import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from stoker.model.errors import InvalidParameterValueException
from stoker.model.runtime import Runtime

OLDEST_PYTHON = (3, 9)
# All are asked at once, and a machine may have much else to do when Stoker starts.
PROBE_TIMEOUT_S = 60.0
_PROVIDED = ("provided.al2", "provided.al2023")
_PYTHON_NAME = re.compile(r"python3(\.\d+)?")
_PYTHON_RUNTIME = re.compile(r"python3\.\d+")
_NODE_RUNTIME = re.compile(r"nodejs(\d+)\.x")
# -I keeps the user's site and environment out. ctypes: the sandbox's bootstrap makes system calls through it.
_PYTHON_PROBE = (
    "import sys, ctypes, platform; assert platform.python_implementation() == 'CPython'; "
    "print(platform.python_version()); print(sys.base_prefix); print(sys.version_info.releaselevel)"
)


@dataclass(frozen=True, kw_only=True)
class SearchPlaces:
    """Where interpreters are looked for. `pyenv` is the versions folder of the user who runs Stoker."""

    pyenv: Path
    directories: Sequence[Path]

    @classmethod
    def of_this_machine(cls, *, home: Path, path: str) -> "SearchPlaces":
        """pyenv's versions in `home`, the usual directories, and those of `path` (the variable PATH)."""
        directories = [Path("/usr/bin"), Path("/usr/local/bin"), *map(Path, filter(None, path.split(os.pathsep)))]
        return cls(pyenv=home / ".pyenv" / "versions", directories=list(dict.fromkeys(directories)))


class RuntimeCatalogue:
    """The runtimes found, by name. `discover` finds them once; nothing changes afterwards."""

    def __init__(self, runtimes: Iterable[Runtime]) -> None:
        self._runtimes = {runtime.name: runtime for runtime in runtimes}

    def __repr__(self) -> str:
        return f"<RuntimeCatalogue {' '.join(self._runtimes)}>"

    @classmethod
    def discover(cls, places: SearchPlaces) -> "RuntimeCatalogue":
        """Look through `places`, running each interpreter once. Blocks; takes as long as the slowest of them."""
        with ThreadPoolExecutor(4, thread_name_prefix="runtime-probe") as pool:
            pythons = [found for found in pool.map(probe_python, _python_candidates(places)) if found is not None]
            nodes = [found for found in pool.map(probe_node, _node_candidates(places)) if found is not None]
        provided = [Runtime(name=name, kind="provided", executable=None) for name in _PROVIDED]
        return cls(sorted(_best([*pythons, *nodes]), key=_order) + provided)

    def get(self, name: str) -> Runtime | None:
        return self._runtimes.get(name)

    def all(self) -> list[Runtime]:
        return list(self._runtimes.values())

    def require(self, name: str) -> Runtime:
        """The runtime, or InvalidParameterValueException saying which there are and what to install."""
        if (runtime := self._runtimes.get(name)) is not None:
            return runtime
        raise InvalidParameterValueException(
            f"Value {name} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: "
            f"[{', '.join(self._runtimes)}] or be a valid ARN. {what_to_install(name)}"
        )


def what_to_install(name: str) -> str:
    """A sentence on how to get a runtime that this machine lacks."""
    if _PYTHON_RUNTIME.fullmatch(name):
        version = name.removeprefix("python")
        if tuple(map(int, version.split("."))) < OLDEST_PYTHON:
            return f"Python {version} is too old for Stoker: python3.9 is the oldest it runs."
        return (
            f"This machine has no working CPython {version}: install it with `pyenv install {version}` or your "
            f"system's package {name}, then restart Stoker."
        )
    if match := _NODE_RUNTIME.fullmatch(name):
        return f"This machine has no Node.js {match[1]}: put node {match[1]} on the PATH, then restart Stoker."
    return "Stoker runs Python, Node.js, and any program that is called bootstrap (provided.al2023)."


def runtime_version_arn(region: str, runtime: str, full_version: str) -> str:
    """The ARN that names an exact build of a runtime, as RuntimeVersionConfig and INIT_START lines show it."""
    return f"arn:aws:lambda:{region}::runtime:{sha256(f'{runtime} {full_version}'.encode()).hexdigest()}"


def probe_python(executable: Path) -> Runtime | None:
    """What a Python interpreter says of itself; None if it does not work, is too old, or is a preview."""
    lines = _output_of([str(executable), "-I", "-c", _PYTHON_PROBE])
    if lines is None or len(lines) != 3 or lines[2] != "final":
        return None
    version, prefix, _ = lines
    numbers = _numbers(version)
    if numbers[:2] < OLDEST_PYTHON:
        return None
    return Runtime(
        name=f"python{numbers[0]}.{numbers[1]}",
        kind="python",
        executable=executable,
        roots=_outside_usr(Path(prefix), executable),
        full_version=version,
    )


def probe_node(executable: Path) -> Runtime | None:
    """What a Node.js executable says of itself; None if it does not work."""
    lines = _output_of([str(executable), "--version"])
    if lines is None or len(lines) != 1 or not re.fullmatch(r"v\d+(\.\d+)+", lines[0]):
        return None
    version = lines[0].removeprefix("v")
    return Runtime(
        name=f"nodejs{version.split('.')[0]}.x",
        kind="node",
        executable=executable,
        roots=_outside_usr(_installation(executable), executable),
        full_version=version,
    )


def _installation(executable: Path) -> Path:
    """The directory an executable was installed to: above `bin`, or its own where it was unpacked anywhere else."""
    return executable.parent.parent if executable.parent.name == "bin" else executable.parent


def _output_of(command: Sequence[str]) -> list[str] | None:
    """The lines that a program prints, None if it fails or hangs."""
    try:
        result = subprocess.run(
            command, capture_output=True, timeout=PROBE_TIMEOUT_S, env={}, stdin=subprocess.DEVNULL, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.decode(errors="replace").splitlines()


def _outside_usr(prefix: Path, executable: Path) -> tuple[Path, ...]:
    """The directories that a sandbox must show besides /usr, which it always has."""
    roots = dict.fromkeys([prefix.resolve(), executable.resolve().parent])
    outside = [root for root in roots if not root.is_relative_to("/usr") and root != Path("/")]
    return tuple(root for root in outside if not any(root != other and root.is_relative_to(other) for other in outside))


def _python_candidates(places: SearchPlaces) -> list[Path]:
    return list(dict.fromkeys(_all_python_candidates(places)))


def _all_python_candidates(places: SearchPlaces) -> Iterator[Path]:
    yield from _resolved(version / "bin" / "python3" for version in _entries(places.pyenv))
    for directory in places.directories:
        if not _is_shims(directory):
            yield from _resolved(path for path in _entries(directory) if _PYTHON_NAME.fullmatch(path.name))


def _entries(directory: Path) -> list[Path]:
    """What is in it, sorted; nothing if it is not there, or not this user's to look into (another's PATH or HOME)."""
    try:
        return sorted(directory.iterdir())
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []


def _node_candidates(places: SearchPlaces) -> list[Path]:
    return list(dict.fromkeys(_resolved(directory / "node" for directory in places.directories)))


def _resolved(paths: Iterable[Path]) -> Iterator[Path]:
    """The real files behind them: a sandbox shows an interpreter's own directories, not those of a link to it."""
    for path in paths:
        # In this order: `is_file` raises where the way there is closed to this user.
        if os.access(path, os.X_OK) and path.is_file():
            yield path.resolve()


def _is_shims(directory: Path) -> bool:
    """pyenv's shims are scripts that start whichever version is selected; its versions folder has the real ones."""
    return directory.name == "shims"


def _best(found: Iterable[Runtime]) -> list[Runtime]:
    """One a name: the highest patch version; of equals the one found first."""
    best: dict[str, Runtime] = {}
    for runtime in found:
        known = best.get(runtime.name)
        if known is None or _numbers(runtime.full_version) > _numbers(known.full_version):
            best[runtime.name] = runtime
    return list(best.values())


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def _order(runtime: Runtime) -> tuple[bool, tuple[int, ...]]:
    return runtime.kind != "python", _numbers(runtime.full_version)
