"""An invocation whose answer is read while the function still runs."""

import asyncio
from collections.abc import AsyncGenerator

from stoker.model.invocation import InvocationResult
from stoker.runtime_api.response_stream import ResponseStream


class StreamedInvocation:
    """Read `pieces` to their end or `abandon` it, then ask for the `result`. Made by `Invoker.stream`."""

    def __init__(
        self, stream: ResponseStream, answer: "asyncio.Future[InvocationResult]", request_id: str, version: str
    ) -> None:
        self.request_id = request_id
        self.executed_version = version
        self._stream = stream
        self._answer = answer
        answer.add_done_callback(lambda _: stream.end())

    def __repr__(self) -> str:
        return f"<StreamedInvocation {self.request_id} {self._stream!r}>"

    @property
    def content_type(self) -> str | None:
        """What the function says that it streams; None where it does not stream."""
        return self._stream.content_type if self._stream.begun else None

    @property
    def ended(self) -> bool:
        """The function has ended; what it streamed may not all be read yet."""
        return self._answer.done()

    async def start(self) -> None:
        """Wait until the function begins to answer or has ended. Raises what kept it from running."""
        try:
            await self._stream.started()
            if not self._stream.begun:
                await self._answer
        except BaseException:
            self.abandon()
            raise

    async def pieces(self) -> AsyncGenerator[bytes]:
        """The answer as it comes; of a function that does not stream, all of it. An error is no part of it.

        Closing this abandons what is not yet read.
        """
        try:
            async for piece in self._stream:
                yield piece
            result = await self.result()
            if not self._stream.begun and result.function_error is None and result.payload:
                yield result.payload
        finally:
            self.abandon()

    async def result(self) -> InvocationResult:
        """How it ended, metered and billed. Raises what kept it from ending."""
        return await asyncio.shield(self._answer)

    def abandon(self) -> None:
        """Read no more; the function runs on to its end, as at AWS. After the end this does nothing."""
        self._stream.abandon()
        if self._answer.done() and not self._answer.cancelled():
            # Looked at, so that the loop does not report an error that nobody is left to be told of.
            self._answer.exception()
        elif not self._answer.done():
            self._answer.add_done_callback(_look_at)


def _look_at(answer: "asyncio.Future[InvocationResult]") -> None:
    if not answer.cancelled():
        answer.exception()
