"""The machine's cgroups: others come and go while one looks, which `Path.rglob` does not forgive."""

import os
from collections.abc import Iterator
from pathlib import Path

TREES = Path("/sys/fs/cgroup")


def groups_below(top: Path = TREES) -> Iterator[Path]:
    """Every group below a group that is there while it is looked at."""
    for folder, names, _ in os.walk(top):
        yield from (Path(folder, name) for name in names)


def groups_called(beginning: str) -> list[Path]:
    """Every group whose name begins so."""
    return [path for path in groups_below() if path.name.startswith(beginning)]
