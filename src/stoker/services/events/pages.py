"""Pages of lists: an opaque token for the last name of a page."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from stoker.model.errors import ValidationException

T = TypeVar("T")

MOST = 100


def start(params: Mapping[str, Any]) -> tuple[str, int]:
    """After which name a page begins, and how long it is."""
    token = params.get("NextToken")
    if not token:
        return "", params.get("Limit", MOST)
    try:
        return base64.urlsafe_b64decode(token).decode(), params.get("Limit", MOST)
    except (binascii.Error, ValueError):
        raise ValidationException("Parameter NextToken is not valid.") from None


def page(found: Sequence[T], limit: int, name: Callable[[T], str]) -> tuple[Sequence[T], Mapping[str, str]]:
    """A page of what was read, one more than that if there is more, and its `NextToken`."""
    if len(found) <= limit:
        return found, {}
    shown = found[:limit]
    return shown, {"NextToken": base64.urlsafe_b64encode(name(shown[-1]).encode()).decode()}
