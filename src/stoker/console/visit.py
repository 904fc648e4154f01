"""What a page is given, and what it gives back."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl

from stoker.console.aws import Aws
from stoker.console.sessions import Session
from stoker.wire.message import Request


@dataclass(frozen=True, kw_only=True)
class Page:
    """A template of `templates/` with what it shows. A fragment is put into a page that is there already."""

    template: str
    context: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, kw_only=True)
class Redirect:
    """Go on there; `to` is below the console's own path."""

    to: str


@dataclass(frozen=True, kw_only=True)
class Events:
    """Server-sent events, each a name and a value for JSON or a Struct, until the iterator ends or nobody listens."""

    events: AsyncIterator[tuple[str, Any]]


Reply = Page | Redirect | Events


class Form:
    """What a form was filled in with."""

    def __init__(self, body: bytes) -> None:
        self._fields: dict[str, list[str]] = {}
        for name, value in parse_qsl(body.decode(errors="replace"), keep_blank_values=True):
            self._fields.setdefault(name, []).append(value)

    def __repr__(self) -> str:
        return f"<Form {' '.join(self._fields)}>"

    def __getitem__(self, name: str) -> str:
        """The field's text without space around it; empty where there is none."""
        return self.raw(name).strip()

    def raw(self, name: str) -> str:
        """The text as it was typed, with the line ends of Unix."""
        return (self._fields.get(name) or [""])[0].replace("\r\n", "\n")

    def all(self, name: str) -> Sequence[str]:
        """Every field of the name, as typed."""
        return [value.replace("\r\n", "\n") for value in self._fields.get(name, ())]

    def number(self, name: str, default: int) -> int:
        """A whole number; the default where nothing was typed. Raises InputError."""
        text = self[name]
        if not text:
            return default
        try:
            return int(text)
        except ValueError:
            raise InputError(f"{name.replace('-', ' ').capitalize()} has to be a whole number, not {text!r}.") from None


class InputError(Exception):
    """What was typed makes no sense, in words for who typed it."""


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One request of somebody who is signed in. `names` are the parts of the path that the route names."""

    request: Request
    session: Session
    aws: Aws
    names: Mapping[str, str]
    query: Mapping[str, str]
    form: Form

    @property
    def is_fragment(self) -> bool:
        """Whether a script asked, to put the answer into its page."""
        return "x-stoker-fragment" in self.request.headers


class PageMaker(Protocol):
    """What answers a route."""

    async def __call__(self, visit: Visit) -> Reply: ...
