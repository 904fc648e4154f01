"""The front door for parts that are built before it."""

from collections.abc import Awaitable, Callable

from stoker.wire.message import Request, Response

Application = Callable[[Request], Awaitable[Response]]


class LateDoor:
    """Answers as the one does that it is told of, once there is one."""

    def __init__(self) -> None:
        self._application: Application | None = None

    def __repr__(self) -> str:
        return f"<LateDoor {'open' if self._application else 'shut'}>"

    def open(self, application: Application) -> None:
        self._application = application

    async def __call__(self, request: Request) -> Response:
        if self._application is None:
            raise RuntimeError("nothing asks before the door is there")
        return await self._application(request)
