"""What a new function begins with, and events to try functions with."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent
_FILES = {"python": ("app.py", "app.handler", ".py"), "node": ("index.mjs", "index.handler", ".mjs")}


@dataclass(frozen=True, kw_only=True)
class Starter:
    """A small function to begin with. `event` is the name of the event that it is tried with."""

    name: str
    title: str
    event: str


STARTERS: Sequence[Starter] = (
    Starter(name="hello", title="Hello: answers with a greeting", event="hello"),
    Starter(name="web", title="Web: answers HTTP requests", event="url"),
    Starter(name="queue", title="Queue worker: works through messages", event="sqs"),
    Starter(name="slow", title="Cold start: shows what runs once and what runs each time", event="hello"),
)
EVENTS: Mapping[str, str] = {
    "hello": "A name",
    "url": "HTTP: a function URL or an HTTP API",
    "sqs": "SQS: two messages of a queue",
    "s3-put": "S3: an object was put",
    "schedule": "EventBridge: a schedule",
    "sns": "SNS: a notification",
    "dynamodb": "DynamoDB: an item was changed",
}


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


def sample_events() -> Mapping[str, tuple[str, str]]:
    """Title and text of each event, by name. Reads files."""
    return {name: (title, (_FOLDER / "sample_events" / f"{name}.json").read_text()) for name, title in EVENTS.items()}


def is_json(text: str) -> bool:
    """Whether a text can be an event."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
