"""Templates to HTML. Everything that is put into one is escaped, unless a template of ours made it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader

_FOLDER = Path(__file__).parent / "templates"


class Renderer:
    """Renders a template in about a millisecond: for threads."""

    def __init__(self, **known: Any) -> None:
        """`known` is what all templates can show."""
        self._environment = Environment(
            loader=FileSystemLoader(_FOLDER),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters |= {
            "ms": milliseconds,
            "bytes": size,
            "part": path_part,
            "moment": moment,
            "iso": iso,
            "pretty": pretty,
            "count": count,
        }
        self._environment.globals |= known

    def __repr__(self) -> str:
        return "<Renderer>"

    def render(self, template: str, context: Mapping[str, Any]) -> bytes:
        # What was written need not be Unicode: lone surrogates stand for bytes that were none.
        return self._environment.get_template(template).render(context).encode(errors="replace")


def milliseconds(value: float | str | None) -> str:
    """A duration as a person reads it."""
    if value is None or value == "":
        return "–"
    number = float(value)
    if number >= 10_000:
        return f"{number / 1000:,.1f} s"
    return f"{number:,.0f} ms" if number >= 100 else f"{number:,.2f} ms" if number < 10 else f"{number:,.1f} ms"


def size(value: int | None) -> str:
    """Bytes as a person reads them."""
    if value == 1:
        return "1 byte"
    number = float(value or 0)
    for unit in ("bytes", "KB", "MB", "GB"):
        if number < 1024 or unit == "GB":
            break
        number /= 1024
    return f"{number:,.0f} {unit}" if unit == "bytes" or number >= 100 else f"{number:,.1f} {unit}"


def path_part(value: object) -> str:
    """A name as one part of a path."""
    return quote(str(value), safe="")


def moment(value: object) -> str:
    """A moment, in UTC: an ISO text, milliseconds since the epoch, or a datetime."""
    found = _moment(value)
    return f"{found:%Y-%m-%d %H:%M:%S}" if found is not None else "–"


def iso(value: object) -> str:
    """The same for machines: scripts show it in the reader's own time."""
    found = _moment(value)
    return found.isoformat() if found is not None else ""


def _moment(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value / 1000, UTC)
    if isinstance(value, str) and value:
        return datetime.fromisoformat(value).astimezone(UTC)
    return None


def pretty(value: object) -> str:
    """JSON with its lines indented; what is none as it is."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return str(value)
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def count(value: float) -> str:
    return f"{value:,.0f}"
