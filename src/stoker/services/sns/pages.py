"""Pages of lists: an opaque token for the last name of a page."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from stoker.buses.topic_errors import InvalidParameterError

T = TypeVar("T")

LONG = 100


def start(params: Mapping[str, Any]) -> tuple[str, int]:
    """After which name a page begins, and how long it is."""
    token = params.get("NextToken")
    try:
        return (base64.urlsafe_b64decode(token).decode() if token else ""), LONG
    except (binascii.Error, ValueError):
        raise InvalidParameterError("Invalid parameter: NextToken Reason: Invalid value") from None


def page(found: Sequence[T], limit: int, name: Callable[[T], str]) -> tuple[Sequence[T], Mapping[str, str]]:
    """A page of what was read, one more than that if there is more, and its `NextToken`."""
    if len(found) <= limit:
        return found, {}
    shown = found[:limit]
    return shown, {"NextToken": base64.urlsafe_b64encode(name(shown[-1]).encode()).decode()}
