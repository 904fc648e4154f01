"""What a function streams, as the HTTP answer of its URL: a prelude if it sends one, and then the body as it comes."""

from collections.abc import AsyncIterator

from stoker.front_door.answering import BrokenOffError
from stoker.invocations.streaming import StreamedInvocation
from stoker.model.http_event import (
    JSON_TYPE,
    PRELUDE_END,
    PRELUDE_TYPE,
    WITHOUT_BODY,
    HttpAnswer,
    MalformedAnswerError,
    read_prelude,
)

# AWS names no limit; no client reads longer headers.
MAX_PRELUDE_BYTES = 64 << 10


async def streamed_answer(streamed: StreamedInvocation) -> HttpAnswer | None:
    """The answer, once its status is known; None: the function failed before that. Raises MalformedAnswerError."""
    pieces = streamed.pieces()
    try:
        if streamed.content_type == PRELUDE_TYPE:
            prelude, first = await _read_prelude(pieces)
            answer = None if prelude is None else read_prelude(prelude)
        else:
            first = await anext(pieces, b"")
            answer = HttpAnswer(status=200, headers=[("Content-Type", streamed.content_type or JSON_TYPE)], body=b"")
        if (answer is None or not first) and streamed.ended and (await streamed.result()).function_error is not None:
            return None
        if answer is None:
            raise MalformedAnswerError("a prelude without an end")
        if answer.status in WITHOUT_BODY:
            await pieces.aclose()
            return answer
        return HttpAnswer(status=answer.status, headers=answer.headers, body=_Body(streamed, pieces, first))
    except BaseException:
        streamed.abandon()
        raise


async def _read_prelude(pieces: AsyncIterator[bytes]) -> tuple[bytes | None, bytes]:
    """The prelude, and what came with its end; no prelude if the stream ended before it did."""
    read = bytearray()
    async for piece in pieces:
        begin = max(0, len(read) - len(PRELUDE_END))
        read += piece
        end = read.find(PRELUDE_END, begin)
        if end >= 0:
            return bytes(read[:end]), bytes(read[end + len(PRELUDE_END) :])
        if len(read) > MAX_PRELUDE_BYTES:
            raise MalformedAnswerError("a prelude that is too long")
    return None, b""


class _Body:
    """The rest. Closing it lets the function go on, also where nothing was read: a HEAD has no use for it."""

    def __init__(self, streamed: StreamedInvocation, pieces: AsyncIterator[bytes], first: bytes) -> None:
        self._streamed = streamed
        self._pieces = pieces
        self._first = first

    def __aiter__(self) -> "_Body":
        return self

    async def __anext__(self) -> bytes:
        """A function that fails on the way leaves half an answer, which the client must be able to tell."""
        first, self._first = self._first, b""
        if first:
            return first
        try:
            return await anext(self._pieces)
        except StopAsyncIteration:
            if (await self._streamed.result()).function_error is not None:
                raise BrokenOffError from None
            raise

    async def aclose(self) -> None:
        self._streamed.abandon()
