"""One connection, byte by byte: what is read as a request, and what goes out as its answer."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from front_door_house import House
from test_front_door_server import Running, read_until_closed, wait_until

from stoker.front_door.answering import BrokenOffError, MalformedResponseError, head
from stoker.front_door.body import Body
from stoker.front_door.connection import BODY_TIMEOUT_S, MAX_HEAD_BYTES
from stoker.front_door.limits import DEFAULT_BYTES, BodyLimit
from stoker.front_door.off_loop import LARGE_BYTES
from stoker.wire.message import Request, Response

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
LIMIT = BodyLimit(most=DEFAULT_BYTES, action="Test")


class Wire(Running):
    """A server that answers as a test says; `seen` are the requests that came, with bodies where those are read."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        (self.listener,) = self.server._listeners
        self.seen: list[Request] = []
        self.reply: Callable[[], Response] = lambda: Response(status=200, headers=[], body=b"here")
        self.reads = True
        self.listener._state.answer = self.answer

    async def answer(self, request: Request, body: Body) -> Response:
        self.seen.append(request)
        if self.reads:
            self.seen[-1] = request.with_body(await body.read(LIMIT))
        return body.end(request, self.reply())

    def tick(self, moment: float) -> None:
        self.call(lambda: self.listener.tick("", 1e9 + moment))


@pytest.fixture
def wire(house: House) -> Iterator[Wire]:
    server = Wire(house)
    yield server
    server.close()


def say(wire: Wire, request: bytes, until: bytes | None = None) -> bytes:
    """All that comes before the connection ends, or until there is this in it."""
    with wire.connect() as sock:
        sock.sendall(request)
        if until is None:
            return read_until_closed(sock)
        got = b""
        while until not in got:
            piece = sock.recv(65536)
            assert piece, got
            got += piece
        return got


# What is read.


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        b"Content-Length: 0\r\nContent-Length: 44\r\n",
        b"Content-Length: 4\r\nContent-Length: 4\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length: 5 5\r\n",
        b"Content-Length: 0x5\r\n",
        b"Content-Length: " + b"0" * 5000 + b"1\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding: identity\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Transfer-Encoding:\x0bchunked\r\n",
        b"X: a\x00b\r\n",
        b"X y: a\r\n",
        b"X: a\nY: b\r\n",
        b"X: a\rY: b\r\n",
    ],
)
@pytest.mark.parametrize("path", [b"/a", b"/2015-03-31/functions/f/invocations"])
def test_a_request_that_could_be_read_in_two_ways_is_refused_and_nobody_serves_it(
    wire: Wire, head: bytes, path: bytes
) -> None:
    got = say(wire, b"POST " + path + b" HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n0\r\n\r\n" + GET)
    assert got.startswith(b"HTTP/1.1 400 ") or got == b""
    assert got.count(b"HTTP/1.1 ") <= 1 and not wire.seen


@pytest.mark.parametrize(
    "line",
    [
        b"GET /a HTTP/9.9",
        b"GET\t/a HTTP/1.1",
        b"G\x00T /a HTTP/1.1",
        b"GET /\xc3\xa9 HTTP/1.1",
        b"CONNECT a:1 HTTP/1.1",
        b"CONNECT /a HTTP/1.1",
    ],
)
def test_a_request_line_that_is_none_is_refused(wire: Wire, line: bytes) -> None:
    assert say(wire, line + b"\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert not wire.seen


def test_what_follows_a_body_in_chunks_is_no_header(wire: Wire) -> None:
    trailer = b"3\r\nabc\r\n0\r\nAuthorization: later\r\nX-Late: 1\r\n\r\n"
    say(wire, CHUNKED.replace(b"\r\n\r\n", b"\r\nAuthorization: first\r\n\r\n") + trailer, b"here")
    (request,) = wire.seen
    assert (request.headers["authorization"], request.body) == ("first", b"abc")
    assert "x-late" not in dict(request.fields)


@pytest.mark.parametrize("flood", [b"1;" + b"x" * 8192, b"0\r\nX: " + b"x" * 8192])
def test_what_belongs_to_no_body_and_never_ends_is_refused(wire: Wire, flood: bytes) -> None:
    with wire.connect() as sock:
        sock.sendall(CHUNKED + flood)
        try:
            for _ in range(16 * MAX_HEAD_BYTES // 8192):
                sock.sendall(b"x" * 8192)
        except ConnectionError:
            pass
        assert b"HTTP/1.1 200" not in read_until_closed(sock)
    wait_until(lambda: not wire.listener.busy)


def test_a_request_in_pieces_is_the_one_that_it_is_in_one(wire: Wire) -> None:
    whole = b"POST http://x/a?b=1#c HTTP/1.1\r\nHost: x\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 3\r\n\r\nabc"
    say(wire, whole, b"here")
    with wire.connect() as sock:
        for index in range(len(whole)):
            sock.sendall(whole[index : index + 1])
        assert b"200 OK" in sock.recv(4096)
    assert wire.seen[0] == wire.seen[1]
    assert (wire.seen[0].path, wire.seen[0].query, wire.seen[0].headers["x-a"]) == ("/a", "b=1", "1,2")


@pytest.mark.parametrize("size", [0, 1, LARGE_BYTES - 1, LARGE_BYTES, 3 * LARGE_BYTES])
def test_a_body_of_any_size_is_read_and_the_connection_goes_on(wire: Wire, size: int) -> None:
    with wire.connect() as sock:
        for _ in range(2):
            sock.sendall(b"PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size + b"y" * size)
            assert b"200 OK" in sock.recv(4096)
    assert [len(request.body) for request in wire.seen] == [size, size]
    assert wire.listener._state.body_bytes == 0


def test_a_body_that_is_refused_is_thrown_away_and_the_next_request_is_served(wire: Wire) -> None:
    wire.reads = False
    with wire.connect() as sock:
        sock.sendall(b"PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % LARGE_BYTES)
        assert b"200 OK" in sock.recv(4096)
        sock.sendall(b"GET /smuggled HTTP/1.1\r\n\r\n".ljust(LARGE_BYTES, b"y"))
        sock.sendall(GET)
        assert b"200 OK" in sock.recv(4096)
    assert [request.path for request in wire.seen] == ["/a", "/a"]


def test_a_body_that_is_refused_has_its_time_as_well(wire: Wire) -> None:
    wire.reads = False
    with wire.connect() as sock:
        sock.sendall(b"PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % LARGE_BYTES)
        assert b"200 OK" in sock.recv(4096)
        for moment in (0.0, BODY_TIMEOUT_S - 1, BODY_TIMEOUT_S + 1):
            wire.tick(moment)
        assert read_until_closed(sock) == b""


def test_who_is_not_given_leave_to_send_a_body_is_let_go(wire: Wire) -> None:
    wire.reads = False
    expecting = b"PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 44\r\nExpect: 100-continue\r\n\r\n"
    got = say(wire, expecting)
    assert b"100 Continue" not in got and b"\r\nconnection: close\r\n" in got
    wire.reads = True
    with wire.connect() as sock:
        sock.sendall(expecting)
        assert sock.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"y" * 44)
        assert b"200 OK" in sock.recv(4096)


def test_a_client_that_goes_away_within_its_body_is_forgotten(wire: Wire) -> None:
    with wire.connect() as sock:
        sock.sendall(CHUNKED + b"3\r\nabc\r\n")
        wait_until(lambda: bool(wire.seen))
    wait_until(lambda: not wire.listener.busy)
    assert wire.listener._state.body_bytes == 0


@pytest.mark.parametrize("body", [b"", b"Content-Length: 3\r\n\r\nabc"])
def test_an_upgrade_that_nobody_knows_is_a_request_like_any(wire: Wire, body: bytes) -> None:
    asked = b"POST /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n" + (body or b"\r\n")
    with wire.connect() as sock:
        for _ in range(2):
            sock.sendall(asked)
            assert b"200 OK" in sock.recv(4096)
    assert say(wire, asked + GET) == b""
    assert [(request.body, "upgrade" in request.headers) for request in wire.seen] == [(body[-3:], False)] * 2


@pytest.mark.parametrize("client", [b"HTTP/1.1\r\nConnection: close", b"HTTP/1.0"])
def test_a_client_that_ends_with_its_answer_is_let_go(wire: Wire, client: bytes) -> None:
    got = say(wire, b"GET /a " + client + b"\r\nHost: x\r\n\r\n")
    assert got.endswith(b"connection: close\r\n\r\nhere")


# What goes out.

INJECTED = "x\r\nSet-Cookie: stolen=1"


@pytest.mark.parametrize(
    "field",
    [
        ("X-A", INJECTED),
        ("X-A", "x\nSet-Cookie: stolen=1"),
        ("X-A", "x\rSet-Cookie: stolen=1"),
        ("X-A", "x\x00y"),
        ("X-A", "x\x7f"),
        ("X-A", "snow\u2603"),
        ("X-A: b\r\nSet-Cookie", "stolen=1"),
        ("X A", "1"),
        ("X-A:", "1"),
        ("", "1"),
        ("X-\u2603", "1"),
        ("Content-Length", "0\r\n\r\nHTTP/1.1 200 OK"),
        ("Content-Length", "-1"),
        ("Content-Length", "\u0664"),
    ],
)
def test_a_header_that_would_be_another_s_never_goes_out(
    wire: Wire, field: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    wire.reply = lambda: Response(status=200, headers=[field], body=b"secret")
    with caplog.at_level(logging.CRITICAL):
        got = say(wire, GET)
    assert got.startswith(b"HTTP/1.1 500 ") and got.endswith(b"\r\n\r\nInternal Server Error")
    assert b"stolen" not in got and b"secret" not in got


@pytest.mark.parametrize(
    "name", ["Content-Length", "CONTENT-LENGTH", "Transfer-Encoding", "Date", "DATE", "Connection"]
)
def test_what_frames_an_answer_is_the_server_s_word(wire: Wire, name: str) -> None:
    value = {"content-length": "2", "connection": "keep-alive"}.get(name.lower(), "chunked")
    wire.reply = lambda: Response(status=200, headers=[(name, value), (name, value)], body=b"here")
    got = say(wire, GET, b"here")
    lines = got.partition(b"\r\n\r\n")[0].lower().split(b"\r\n")[1:]
    names = [line.partition(b":")[0] for line in lines]
    assert sorted(names) == [b"content-length", b"date"]
    assert b"content-length: 4" in lines


def test_what_has_no_body_sends_none(wire: Wire) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"body"

    with wire.connect() as sock:
        for method, status in ((b"HEAD", 200), (b"GET", 204), (b"GET", 304)):
            for body in (b"body", pieces()):
                wire.reply = lambda status=status, body=body: Response(status=status, headers=[], body=body)
                sock.sendall(method + b" /a HTTP/1.1\r\nHost: x\r\n\r\n")
                got = sock.recv(4096)
                assert got.startswith(b"HTTP/1.1 %d " % status) and got.endswith(b"\r\n\r\n")
                assert b"transfer-encoding" not in got


def test_a_head_says_what_its_body_would_have_been(wire: Wire) -> None:
    wire.reply = lambda: Response(status=200, headers=[("Content-Length", "1000000")], body=b"")
    got = say(wire, GET.replace(b"GET", b"HEAD"), b"\r\n\r\n")
    assert b"\r\ncontent-length: 1000000\r\n" in got


class Pieces:
    """A body that comes as a test says; an error ends it, None is waited for until the client has gone."""

    def __init__(self, *pieces: bytes | Exception | None) -> None:
        self._pieces = list(pieces)
        self.closed = False

    def __aiter__(self) -> "Pieces":
        return self

    async def __anext__(self) -> bytes:
        if not self._pieces:
            raise StopAsyncIteration
        piece = self._pieces.pop(0)
        if isinstance(piece, Exception):
            raise piece
        if piece is None:
            await asyncio.Event().wait()
        assert piece is not None
        return piece

    async def aclose(self) -> None:
        self.closed = True


def streaming(wire: Wire, body: Pieces, *headers: tuple[str, str]) -> Pieces:
    wire.reply = lambda: Response(status=200, headers=list(headers), body=body)
    return body


def test_a_stream_goes_out_in_chunks_and_the_connection_goes_on(wire: Wire) -> None:
    with wire.connect() as sock:
        for _ in range(2):
            body = streaming(wire, Pieces(b"ab", b"", b"c" * 20))
            sock.sendall(GET)
            got = b""
            while not got.endswith(b"\r\n0\r\n\r\n"):
                got += sock.recv(4096)
            assert got.endswith(b"transfer-encoding: chunked\r\n\r\n2\r\nab\r\n14\r\n" + b"c" * 20 + b"\r\n0\r\n\r\n")
            wait_until(lambda body=body: body.closed)


def test_a_stream_for_who_knows_no_chunks_ends_with_the_connection(wire: Wire) -> None:
    streaming(wire, Pieces(b"ab", b"cd"))
    got = say(wire, b"GET /a HTTP/1.0\r\n\r\n")
    assert got.endswith(b"connection: close\r\n\r\nabcd") and b"chunked" not in got


def test_a_stream_of_known_length_ends_with_its_last_byte(wire: Wire) -> None:
    """A client that has it all asks again at once; it must not be taken for one that did not wait for its answer."""
    with wire.connect() as sock:
        for _ in range(2):
            streaming(wire, Pieces(b"ab", b"cd", None), ("Content-Length", "4"))
            sock.sendall(GET)
            got = b""
            while not got.endswith(b"abcd"):
                got += sock.recv(4096)
            assert b"chunked" not in got


@pytest.mark.parametrize(
    ("pieces", "length"),
    [
        ((b"ab", BrokenOffError()), None),
        ((b"ab", RuntimeError("secret")), None),
        ((b"ab",), "4"),
        ((b"ab", b"cde"), "4"),
    ],
)
def test_a_stream_that_breaks_off_is_known_to_be_incomplete(
    wire: Wire, pieces: tuple[Any, ...], length: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    body = streaming(wire, Pieces(*pieces), *([("Content-Length", length)] if length else []))
    with caplog.at_level(logging.CRITICAL):
        got = say(wire, GET)
    assert not got.endswith(b"0\r\n\r\n") and b"cde" not in got and b"secret" not in got
    assert body.closed


def test_a_stream_that_nobody_listens_to_is_closed(wire: Wire) -> None:
    body = streaming(wire, Pieces(b"ab", None))
    assert b"ab" in say(wire, GET, b"ab")
    wait_until(lambda: body.closed)
    wait_until(lambda: not wire.listener.busy)


def test_what_a_client_does_not_read_is_not_made(wire: Wire) -> None:
    many = [b"x" * 65536] * 1000
    body = streaming(wire, Pieces(*many))
    with wire.connect() as sock:
        sock.sendall(GET)
        wait_until(lambda: any(c._sender.is_full for c in wire.listener._state.connections))
        assert len(body._pieces) > 100
        got = b""
        while not got.endswith(b"\r\n0\r\n\r\n"):
            got = got[-8:] + sock.recv(1 << 20)
    assert not body._pieces


def test_who_sends_junk_behind_a_request_gets_no_second_answer(wire: Wire) -> None:
    streaming(wire, Pieces(b"ab", None))
    with wire.connect() as sock:
        sock.sendall(GET)
        assert b"ab" in sock.recv(4096)
        sock.sendall(b"\x00junk\r\n\r\n")
        assert b"HTTP/1.1" not in read_until_closed(sock)


def test_a_fault_that_nobody_expected_is_told_and_ends_the_connection(
    wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    def fails() -> Response:
        raise RuntimeError("secret inside")

    wire.reply = fails
    with caplog.at_level(logging.CRITICAL):
        got = say(wire, GET)
    assert got.startswith(b"HTTP/1.1 500 ") and b"secret" not in got


def test_a_status_that_is_none_is_a_fault() -> None:
    for status in (100, 199, 600):
        with pytest.raises(KeyError):
            head(Response(status=status, headers=[]), "GET", date_line="", keeps=True, chunks=True)
    with pytest.raises(MalformedResponseError):
        head(Response(status=200, headers=[("a b", "c")]), "GET", date_line="", keeps=True, chunks=True)
