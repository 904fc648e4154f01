"""Where parameters are read: on the event loop where that takes microseconds, in a thread where it may take longer."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")
Params = Mapping[str, Any]
# An item of 400 KB takes milliseconds to check, and so does an expression that comes for the first time.
_MAX_ATTRIBUTES = 32
_MAX_VALUE = 4096
_SCALARS = frozenset({"S", "N", "B", "BOOL", "NULL"})


async def read_params(read: Callable[[Params], T], params: Params) -> T:
    """What `read` makes of a request's parameters."""
    return read(params) if is_light(params) else await asyncio.to_thread(read, params)


def is_light(params: Params) -> bool:
    """Whether they are a small item, or a key, and no expressions."""
    if any(name.endswith("Expression") for name in params):
        return False
    item = params.get("Item", params.get("Key"))
    return item is not None and len(item) <= _MAX_ATTRIBUTES and all(map(_is_small, item.values()))


def _is_small(value: Mapping[str, Any]) -> bool:
    return all(
        kind in _SCALARS and (isinstance(content, bool) or len(content) <= _MAX_VALUE)
        for kind, content in value.items()
    )
