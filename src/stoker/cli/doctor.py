"""`stoker doctor`: what this machine can isolate, and what to do about the rest."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stoker.cli import screen
from stoker.cli.connection import local_data

if TYPE_CHECKING:
    from stoker.linux.capabilities import Capability

# Not the server's prefix, so that asking doesn't disturb one that is running.
_SCRATCH_PREFIX = "stoker-doctor"


def doctor(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Try everything that isolation takes on this machine; exit status 1 when something needed is missing."""
    from stoker.linux import capabilities

    with _place_for_disks(local_data(context.obj)) as directory:
        found = capabilities.probe(_SCRATCH_PREFIX, directory)
    if as_json:
        screen.show_json([asdict(each) for each in found])
    else:
        screen.show_table(("", "What", "How it is, and what to do"), map(_row, found))
        screen.say(verdict(found))
    raise typer.Exit(1 if missing(found) else 0)


def missing(found: Sequence["Capability"]) -> list[str]:
    """The names of what a server needs and this machine hasn't."""
    return [each.name for each in found if each.needed and not each.available]


def verdict(found: Sequence["Capability"]) -> str:
    """One line: whether functions can run here, and how well."""
    if needed := missing(found):
        prices = [each.without for each in found if each.without and not each.available]
        if len(prices) < len(needed):
            return f"Functions cannot be isolated here without {', '.join(needed)}; `stoker up` refuses to start."
        return f"`stoker up` starts here only with --allow-weak-isolation: {'; '.join(prices)}."
    if lacking := [each.name for each in found if not each.available]:
        return f"Functions are isolated here; {', '.join(lacking)} would make it better."
    return "Functions are isolated here in every way that Stoker knows."


@contextmanager
def _place_for_disks(data: Path) -> Iterator[Path]:
    """The data directory, whose file system decides; somewhere else before the first start, or when it is not ours."""
    if os.access(data, os.W_OK):
        yield data
        return
    with tempfile.TemporaryDirectory(prefix="stoker-doctor-") as scratch:
        yield Path(scratch)


def _row(each: "Capability") -> list[str]:
    if each.available:
        return ["ok", each.name, each.detail]
    return ["MISSING" if each.needed else "lacking", each.name, f"{each.detail}. To do: {each.remedy}"]
