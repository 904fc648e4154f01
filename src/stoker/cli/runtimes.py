"""`stoker runtimes`: which of Lambda's runtimes this machine has, and how to get the others."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stoker.cli import screen
from stoker.cli.guess import kind_of, number
from stoker.model.runtime import Runtime

if TYPE_CHECKING:
    from stoker.functions.runtimes import RuntimeCatalogue

# Lambda's runtimes of the kinds that Stoker runs (Lambda developer guide, "Supported runtimes").
KNOWN = (
    *(f"python3.{minor}" for minor in range(9, 15)),
    *(f"nodejs{major}.x" for major in range(16, 26, 2)),
    *("provided.al2", "provided.al2023"),
)


@dataclass(frozen=True, kw_only=True)
class Line:
    """A runtime's name with the one that was found, or with what to do about it."""

    name: str
    found: Runtime | None

    @property
    def advice(self) -> str:
        from stoker.functions.runtimes import what_to_install

        return "" if self.found else what_to_install(self.name)

    def as_members(self) -> dict[str, str | bool | None]:
        found = self.found
        return {
            "name": self.name,
            "available": found is not None,
            "version": found.full_version if found else None,
            "executable": str(found.executable) if found and found.executable else None,
            "install": self.advice or None,
        }


def runtimes_here() -> "RuntimeCatalogue":
    """What this machine can run, found in the places where a server on it looks."""
    from stoker.functions.runtimes import RuntimeCatalogue, SearchPlaces

    places = SearchPlaces.of_this_machine(home=Path.home(), path=os.pathsep.join(os.get_exec_path()))
    return RuntimeCatalogue.discover(places)


def runtimes(
    as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
) -> None:
    """Show the runtimes of this machine, and what to install for those that it lacks."""
    lines = survey(runtimes_here().all())
    if as_json:
        screen.show_json([line.as_members() for line in lines])
    else:
        screen.show_table(("Runtime", "Version", "Where, or how to get it"), map(_row, lines))


def survey(found: Sequence[Runtime]) -> list[Line]:
    """Every runtime that Lambda or this machine knows, by kind and number."""
    here = {runtime.name: runtime for runtime in found}
    names = sorted({*KNOWN, *here}, key=lambda name: (kind_of(name), number(name)))
    return [Line(name=name, found=here.get(name)) for name in names]


def _row(line: Line) -> list[str]:
    if line.found is None:
        return [line.name, "-", line.advice]
    return [line.name, line.found.full_version, str(line.found.executable or "your `bootstrap`")]
