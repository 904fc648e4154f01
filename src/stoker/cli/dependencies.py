"""A function's dependencies: installed for the interpreter that will run them, and kept for the next deployment.

What pip or npm makes of a list is kept in the user's cache directory under a digest of everything that decides it, so a
redeploy installs nothing.
"""

import errno
import hashlib
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stoker.cli import npm, pip
from stoker.cli.ignore import IgnoreRules
from stoker.cli.source import Source, SourceFile, walk
from stoker.model.runtime import Runtime

_DAY_S = 86_400
_KEPT_DAYS = 30
_ONCE = "once-"

# Packages are taken as they were installed, `tests` and all, but for commands, which nobody types in a function.
_INSTALLED = IgnoreRules.parse(["!__pycache__/", "!*.py[co]", "!venv/", "!/function.toml", "/bin/"])


@dataclass(frozen=True, kw_only=True)
class Dependencies:
    """What a source asks for. `key` names the outcome in the cache; `install` makes it in an empty folder."""

    tool: str
    key: str
    install: Callable[[Path], None]


def find_dependencies(source: Source, kind: str, runtime_name: str, runtime: Runtime | None) -> Dependencies | None:
    """What a source asks for, or None. `runtime` is None when this machine lacks the one that is named."""
    if source.folder is None:
        return None
    if kind == "python" and (requirements := pip.read_requirements(source.folder)):
        version = runtime.full_version if runtime else runtime_name
        key = _key(version, *requirements.texts) if requirements.repeatable else _ONCE + uuid.uuid4().hex
        target = pip.Target(runtime_name=runtime_name, interpreter=runtime.executable if runtime else None)
        return Dependencies(tool="pip", key=key, install=lambda place: pip.install(requirements, target, place))
    if kind == "node" and (package := npm.read_package(source.folder)):
        key = _key(runtime_name, *(path.read_text() for path in package.files))
        return Dependencies(tool="npm", key=key, install=lambda place: npm.install(package, place))
    return None


def vendor(dependencies: Dependencies, cache: Path) -> list[SourceFile]:
    """The installed files by their names in the package, from the cache when they are there."""
    kept = cache / "dependencies"
    kept.mkdir(parents=True, exist_ok=True)
    place = kept / dependencies.key
    if not place.exists():
        _forget_unused(kept, now=time.time())
        _install(dependencies, place)
    os.utime(place)
    return list(walk(place, _INSTALLED))


def _install(dependencies: Dependencies, place: Path) -> None:
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=_ONCE) as staging:
        made = Path(staging) / "made"
        made.mkdir()
        dependencies.install(made)
        try:
            made.rename(place)
        except OSError as error:
            # Another deployment of the same list was quicker; its outcome is this one's.
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise


def _forget_unused(kept: Path, *, now: float) -> None:
    for entry in kept.iterdir():
        days = 1 if entry.name.startswith(_ONCE) else _KEPT_DAYS
        if entry.stat().st_mtime < now - days * _DAY_S:
            shutil.rmtree(entry, ignore_errors=True)


def _key(*parts: str) -> str:
    # Wheels differ by machine. The separator keeps two parts from reading like one.
    return hashlib.sha256("\0".join((*parts, os.uname().machine)).encode()).hexdigest()[:32]
