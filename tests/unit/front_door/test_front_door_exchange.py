"""Answers that are sent while they come."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from stoker.front_door.exchange import send_response
from stoker.wire.message import Response


async def nobody_goes_away() -> dict[str, Any]:
    await asyncio.Event().wait()
    raise AssertionError


@pytest.mark.parametrize("length", ["4", None])
def test_an_answer_of_known_length_ends_with_its_last_byte(length: str | None) -> None:
    """A client that has it all asks again at once; it must not be taken for one that did not wait for its answer."""
    sent: list[tuple[bytes, bool]] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            sent.append((message["body"], message["more_body"]))

    async def run() -> None:
        last, ends = asyncio.Event(), asyncio.Event()

        async def pieces() -> AsyncIterator[bytes]:
            yield b"ab"
            yield b"cd"
            last.set()
            await ends.wait()

        headers = [] if length is None else [("Content-Length", length)]
        response = Response(status=200, headers=headers, body=pieces())
        sending = asyncio.ensure_future(send_response(response, "GET", nobody_goes_away, send))
        if length is None:
            await last.wait()
            assert sent == [(b"ab", True), (b"cd", True)]
            ends.set()
        await sending

    asyncio.run(run())
    assert sent == ([(b"ab", True), (b"cd", False)] if length else [(b"ab", True), (b"cd", True), (b"", False)])
