"""What a new function begins with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent
_FILES = {"python": ("app.py", "app.handler", ".py"), "node": ("index.mjs", "index.handler", ".mjs")}


@dataclass(frozen=True, kw_only=True)
class Starter:
    """A small function to begin with. `event` is the name of the sample event that it is tried with."""

    name: str
    title: str
    event: str


STARTERS: Sequence[Starter] = (
    Starter(name="hello", title="Hello: answers with a greeting", event="hello"),
    Starter(name="web", title="Web: answers HTTP requests", event="http"),
    Starter(name="queue", title="Queue worker: works through messages", event="sqs"),
    Starter(name="slow", title="Cold start: shows what runs once and what runs each time", event="hello"),
)


@dataclass(frozen=True, kw_only=True)
class Code:
    """A starter in one language."""

    files: Mapping[str, str]
    handler: str


def code_of(starter: str, kind: str) -> Code | None:
    """The code of a starter for runtimes of a kind (`python`, `node`); None for others."""
    if kind not in _FILES or starter not in {each.name for each in STARTERS}:
        return None
    path, handler, suffix = _FILES[kind]
    return Code(files={path: (_FOLDER / "starter_code" / f"{starter}{suffix}.txt").read_text()}, handler=handler)
