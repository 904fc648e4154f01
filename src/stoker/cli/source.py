"""The code to deploy, as it lies on disk: a folder, or a single file."""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stoker.cli.failures import CliError
from stoker.cli.ignore import RULE_FILES, IgnoreRules

CODE_SUFFIXES = (".py", ".js", ".mjs", ".cjs")


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """One file: its name in the package (`/` between parts) and where it is now."""

    name: str
    path: Path
    executable: bool


@dataclass(frozen=True, kw_only=True)
class Source:
    """What a path holds after the ignore rules. `folder` is None for a single file."""

    title: str
    folder: Path | None
    files: tuple[SourceFile, ...]

    def top(self, *suffixes: str) -> list[SourceFile]:
        """The files at the top of the package that end in one of `suffixes`, by name."""
        return [file for file in self.files if "/" not in file.name and file.name.endswith(suffixes)]

    def find(self, name: str) -> SourceFile | None:
        return next((file for file in self.files if file.name == name), None)


def read_source(path: Path) -> Source:
    """Look at what is to be deployed. Raises CliError when there is nothing that could be."""
    if path.is_dir():
        return _read_folder(path)
    if not path.exists():
        raise CliError(f"{path} is not there. Name a folder or a file with the function's code.")
    return _read_file(path)


def _read_file(path: Path) -> Source:
    executable = _executable(path)
    if path.suffix in CODE_SUFFIXES:
        name = path.name
    elif path.name == "bootstrap" or executable:
        # An executable is a runtime of its own, and Lambda looks for it under this name only.
        name, executable = "bootstrap", True
    else:
        raise CliError(f"{path} is no code that can run: give a {', '.join(CODE_SUFFIXES)} file or an executable.")
    file = SourceFile(name=name, path=path, executable=executable)
    return Source(title=_title(path.resolve().stem), folder=None, files=(file,))


def read_rules(folder: Path) -> IgnoreRules:
    """What a folder says of its files that stay at home."""
    lines: list[str] = []
    for name in RULE_FILES:
        if (folder / name).is_file():
            lines += (folder / name).read_text().splitlines()
    return IgnoreRules.parse(lines)


def _read_folder(folder: Path) -> Source:
    files = tuple(walk(folder, read_rules(folder)))
    if not files:
        raise CliError(f"{folder} holds no files to deploy.")
    return Source(title=function_title(folder), folder=folder, files=files)


def function_title(folder: Path) -> str:
    """What a folder's function is called when nobody says."""
    return _title(folder.resolve().name)


def walk(folder: Path, rules: IgnoreRules) -> Iterator[SourceFile]:
    """The files under a folder, sorted by name. A link counts as what it leads to: a package holds no links.

    One that leads out is refused: a folder from a stranger could name the deployer's own keys.
    """
    yield from sorted(_walk(folder, "", rules, (folder.resolve(),)), key=lambda file: file.name)


def _walk(folder: Path, prefix: str, rules: IgnoreRules, above: tuple[Path, ...]) -> Iterator[SourceFile]:
    for entry in os.scandir(folder):
        name, path = prefix + entry.name, Path(entry.path)
        if rules.ignores(name, directory=entry.is_dir()):
            continue
        if entry.is_symlink() and path.exists() and not path.resolve().is_relative_to(above[0]):
            raise CliError(f"{path} is a link out of the folder. Copy what it leads to, or name it in .stokerignore.")
        if entry.is_dir():
            real = path.resolve()
            if real in above:
                raise CliError(f"{path} is a link to a folder around it. Remove it, or name it in .stokerignore.")
            yield from _walk(path, name + "/", rules, (*above, real))
        elif entry.is_file():
            yield SourceFile(name=name, path=path, executable=_executable(path))
        elif entry.is_symlink():
            raise CliError(f"{path} is a link to nowhere. Remove it, or name it in .stokerignore.")


def _executable(path: Path) -> bool:
    return bool(path.stat().st_mode & stat.S_IXUSR)


def _title(name: str) -> str:
    """A name that Lambda takes for a function: letters, digits, `-` and `_`, at most 64."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:64] or "function"
