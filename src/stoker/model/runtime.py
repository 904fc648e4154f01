"""A language runtime found on this machine."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """One entry of the runtime catalogue.

    `name` is Lambda's identifier (`python3.11`, `nodejs20.x`, `provided.al2023`). `kind` is `python`, `node` or
    `provided`. `executable` is the interpreter (None for `provided`), `roots` the directories outside `/usr` that
    it needs to see, read-only, at their own paths. `full_version` is what the interpreter calls itself (`3.11.7`).
    """

    name: str
    kind: str
    executable: Path | None
    roots: tuple[Path, ...] = ()
    full_version: str = ""
