"""Lists in pages: `position` is where the next one begins."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stoker.apis.errors import BadRequestException

DEFAULT_LIMIT, MAX_LIMIT = 25, 500


@dataclass(frozen=True, kw_only=True)
class Page:
    """`position` is None on the last page."""

    items: Sequence[Mapping[str, Any]]
    position: str | None

    @property
    def members(self) -> Mapping[str, Any]:
        return {"items": list(self.items), "position": self.position}


def page_of(items: Sequence[Mapping[str, Any]], position: str | None, limit: int | None) -> Page:
    """A page of items that keep their order."""
    begin = _read(position)
    end = begin + (DEFAULT_LIMIT if limit is None else max(1, min(limit, MAX_LIMIT)))
    following = base64.urlsafe_b64encode(str(end).encode()).decode() if end < len(items) else None
    return Page(items=items[begin:end], position=following)


def _read(position: str | None) -> int:
    if not position:
        return 0
    try:
        return max(0, int(base64.urlsafe_b64decode(position)))
    except ValueError:
        raise BadRequestException("Invalid position parameter.") from None
