"""What a new function begins with."""

from collections.abc import Sequence
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
    """A starter for runtimes of a kind (`python`, `node`): its one file, and the handler in it."""

    starter: str
    kind: str
    path: str
    handler: str
    text: str


def codes() -> Sequence[Code]:
    """Each starter for each kind of runtime, the first starter's first. Reads files: for threads."""
    return [
        Code(
            starter=starter.name,
            kind=kind,
            path=path,
            handler=handler,
            text=(_FOLDER / "starter_code" / f"{starter.name}{suffix}.txt").read_text(),
        )
        for starter in STARTERS
        for kind, (path, handler, suffix) in _FILES.items()
    ]
