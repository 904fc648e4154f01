"""The front door for parts that are built before it."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

_Message = MutableMapping[str, Any]
_Application = Callable[
    [_Message, Callable[[], Awaitable[_Message]], Callable[[_Message], Awaitable[None]]], Awaitable[None]
]


class LateDoor:
    """An ASGI application: the one that it is told of, once there is one."""

    def __init__(self) -> None:
        self._application: _Application | None = None

    def __repr__(self) -> str:
        return f"<LateDoor {'open' if self._application else 'shut'}>"

    def open(self, application: _Application) -> None:
        self._application = application

    async def __call__(
        self,
        scope: _Message,
        receive: Callable[[], Awaitable[_Message]],
        send: Callable[[_Message], Awaitable[None]],
    ) -> None:
        if self._application is None:
            raise RuntimeError("nothing asks before the door is there")
        await self._application(scope, receive, send)
