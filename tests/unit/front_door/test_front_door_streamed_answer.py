"""What a function streams, as a URL's HTTP answer."""

import asyncio
from typing import Any

import pytest

from fakes.loop import on_loop
from stoker.front_door.answering import BrokenOffError
from stoker.front_door.streamed_answer import MAX_PRELUDE_BYTES, streamed_answer
from stoker.invocations.streaming import StreamedInvocation
from stoker.model.http_event import PRELUDE_END, PRELUDE_TYPE, MalformedAnswerError
from stoker.model.invocation import InvocationResult
from stoker.runtime_api.response_stream import FULL_BYTES, ResponseStream


class Running:
    """A function that streams what the test says."""

    def __init__(self, content_type: str = PRELUDE_TYPE) -> None:
        self.stream = ResponseStream()
        self.stream.begin(content_type)
        self.answer: asyncio.Future[InvocationResult] = asyncio.get_running_loop().create_future()
        self.invocation = StreamedInvocation(self.stream, self.answer, "r-1", "$LATEST")

    def end(self, function_error: str | None = None) -> None:
        result = InvocationResult(
            request_id="r-1", payload=b"", executed_version="$LATEST", function_error=function_error
        )
        self.answer.set_result(result)


async def rest(answer: Any) -> bytes:
    return b"".join([piece async for piece in answer.body])


@on_loop
async def test_a_prelude_in_pieces_is_put_together_and_the_body_begins_behind_it() -> None:
    function = Running()
    opening = asyncio.ensure_future(streamed_answer(function.invocation))
    for piece in (b'{"statusCode"', b": 201}" + PRELUDE_END[:3], PRELUDE_END[3:] + b"bo"):
        function.stream.feed(piece)
        for _ in range(3):
            await asyncio.sleep(0)
    answer = await opening
    assert answer is not None
    assert (answer.status, answer.headers) == (201, [("Content-Type", "application/octet-stream")])
    function.stream.feed(b"dy")
    function.end()
    assert await rest(answer) == b"body"


@pytest.mark.parametrize(
    "prelude",
    [b"{", b"[]", b'{"statusCode": 99}', b'{"headers": {"a": "x\\r\\ny: z"}}', b'"' + b"x" * MAX_PRELUDE_BYTES + b'"'],
)
def test_a_prelude_that_no_answer_can_be_made_of_is_malformed_and_lets_the_function_go_on(prelude: bytes) -> None:
    @on_loop
    async def scenario() -> None:
        function = Running()
        function.stream.feed(prelude + PRELUDE_END if len(prelude) < MAX_PRELUDE_BYTES else prelude)
        with pytest.raises(MalformedAnswerError):
            await streamed_answer(function.invocation)
        function.stream.feed(b"x" * FULL_BYTES)
        assert not function.stream.full

    scenario()


@on_loop
async def test_a_function_that_fails_before_its_body_has_no_answer_and_one_that_fails_later_breaks_off() -> None:
    function = Running("text/plain")
    function.end("Unhandled")
    assert await streamed_answer(function.invocation) is None
    function = Running("text/plain")
    function.stream.feed(b"half")
    answer: Any = await streamed_answer(function.invocation)
    function.end("Unhandled")
    assert await anext(answer.body) == b"half"
    with pytest.raises(BrokenOffError):
        await anext(answer.body)


@on_loop
async def test_a_body_that_nobody_wants_does_not_keep_the_function_waiting() -> None:
    function = Running("text/plain")
    function.stream.feed(b"x" * 10)
    answer: Any = await streamed_answer(function.invocation)
    await answer.body.aclose()
    function.stream.feed(b"x" * FULL_BYTES)
    assert not function.stream.full
    function = Running()
    function.stream.feed(b'{"statusCode": 204}' + PRELUDE_END)
    answer = await streamed_answer(function.invocation)
    function.stream.feed(b"x" * FULL_BYTES)
    assert (answer.status, answer.body, function.stream.full) == (204, b"", False)
