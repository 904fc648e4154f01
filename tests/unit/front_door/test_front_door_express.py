"""The short way of an Invoke: what takes it, what does not, and that nobody can tell which way his answer came."""

import http.client
import logging
import socket
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from front_door_house import INVOKE, House
from test_front_door_server import Running, read_until_closed, request_head, wait_until

from stoker.front_door.connection import BODY_TIMEOUT_S, KEEP_ALIVE_S
from stoker.front_door.express import Express, Reply, ToQueuer
from stoker.front_door.turns import AT_ONCE, Turns
from stoker.model.errors import TooManyRequestsException
from stoker.model.invocation import InvocationResult, InvokeRequest
from stoker.observability.journal import JournalFullError
from stoker.services.lambda_.invoke import QUEUED, accepted, answer
from stoker.wire.message import Call, Result

DONE = InvocationResult(request_id="0d1f5a9e-0000-4000-8000-0123456789ab", payload=b'"done"', executed_version="7")
FAILED = InvocationResult(
    request_id="0d1f5a9e-0000-4000-8000-0123456789ab",
    payload=b'{"errorMessage": "\xc3\xa9"}',
    executed_version="$LATEST",
    function_error="Unhandled",
)


class FakeInvoker:
    """Begins every invocation, or none; what becomes of it is said by `ends`, or later by a test.

    One that is not begun has to be asked for, and ends with `error` if there is one.
    """

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.begun: list[InvokeRequest] = []
        self.replies: list[Reply] = []
        self.warm = True
        self.ends: InvocationResult | None = DONE

    def begin(self, request: InvokeRequest, reply: Reply) -> bool:
        if not self.warm:
            return False
        self.begun.append(request)
        if self.ends is None:
            self.replies.append(reply)
        else:
            reply.set_result(self.ends)
        return True

    async def invoke(self, request: InvokeRequest) -> InvocationResult:
        self.begun.append(request)
        if self.error is not None:
            raise self.error
        assert self.ends is not None
        return self.ends


class FakeEvents:
    """Queues each event under the same id, none, or fails to."""

    def __init__(self) -> None:
        self.begun: list[InvokeRequest] = []
        self.known = True
        self.error: BaseException | None = None

    def begin(self, request: InvokeRequest, reply: ToQueuer) -> bool:
        if not self.known:
            return False
        self.begun.append(request)
        if self.error is None:
            reply.set_result(DONE.request_id)
        else:
            reply.set_exception(self.error)
        return True


class Short(Running):
    """A server whose invocations may go the short way. `open` says whose calls are known to be allowed."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.invoker, self.open, self.counted = FakeInvoker(), True, list[tuple[str, int]]()
        self.events = FakeEvents()
        (listener,) = self.server._listeners
        self.listener = listener
        listener._state.express = Express(
            api=self.run(house.door.apis.load("lambda")).api,
            account="000000000000",
            verifier=house.door._verifier,
            is_open=lambda call: self.open,
            invoker=self.invoker,
            events=self.events,
            count=lambda service, status, seconds: self.counted.append((service, status)),
        )

    def plain(self, body: bytes = b"{}", head: Callable[[bytes], bytes] = lambda head: head, **headers: str) -> bytes:
        """A signed Invoke, with what a test does to its head."""
        return head(request_head("POST", INVOKE, self.house.sign("POST", INVOKE, body, headers))) + body

    @property
    def went(self) -> str:
        """Which way the last request took."""
        return (
            "short" if self.invoker.begun or self.events.begun else "ordinary" if self.house.functions.calls else "none"
        )


@pytest.fixture
def short(house: House) -> Iterator[Short]:
    server = Short(house)
    yield server
    server.close()


def ask(server: Running, request: bytes) -> http.client.HTTPResponse:
    with server.connect() as sock:
        sock.sendall(request)
        response = http.client.HTTPResponse(sock)
        response.begin()
        response.body = response.read()  # type: ignore[attr-defined]
        return response


def test_boto3_s_invoke_goes_the_short_way_with_its_event_and_region(short: Short) -> None:
    got = short.client("lambda").invoke(FunctionName="hello", Payload=b'{"a": 1}')
    assert (got["Payload"].read(), got["ExecutedVersion"], got["StatusCode"]) == (b'"done"', "7", 200)
    (asked,) = short.invoker.begun
    assert (asked.region, asked.function, asked.qualifier, asked.payload) == ("us-east-1", "hello", None, b'{"a": 1}')
    assert (short.went, short.counted) == ("short", [("lambda", 200)])


@pytest.mark.parametrize("result", [DONE, FAILED])
def test_both_ways_answer_alike(short: Short, result: InvocationResult) -> None:
    async def invoke(call: Call) -> Result:
        return answer(result)

    short.invoker.ends = result
    answers = [ask(short, short.plain())]
    short.invoker.warm = False
    answers.append(ask(short, short.plain()))
    short.house.functions.operations["invoke"] = invoke
    short.listener._state.express = None
    answers.append(ask(short, short.plain()))
    assert len(short.invoker.begun) == 2
    told = [(got.status, sorted(got.headers.items()), got.body) for got in answers]  # type: ignore[attr-defined]
    assert told[0] == told[1] == told[2]


@pytest.mark.parametrize("error", [TooManyRequestsException(), OSError("disk gone")])
def test_both_ways_refuse_alike_where_no_environment_is_idle(short: Short, error: Exception) -> None:
    async def invoke(call: Call) -> Result:
        raise error

    short.invoker.warm, short.invoker.error = False, error
    answers = [ask(short, short.plain())]
    assert short.went == "short"
    short.house.functions.operations["invoke"] = invoke
    short.listener._state.express = None
    answers.append(ask(short, short.plain()))
    told = [
        (got.status, sorted(each for each in got.headers.items() if each[0].lower() != "x-amzn-requestid"), got.body)  # type: ignore[attr-defined]
        for got in answers
    ]
    assert told[0] == told[1]


@pytest.mark.parametrize("error", [None, TooManyRequestsException(), OSError("disk gone")])
def test_both_ways_answer_alike_for_an_event_that_is_queued(short: Short, error: Exception | None) -> None:
    async def invoke(call: Call) -> Result:
        if error is not None:
            raise error
        return accepted(DONE.request_id, QUEUED)

    short.events.error = error
    event = {"X-Amz-Invocation-Type": "Event"}
    one = ask(short, short.plain(b'{"a": 1}', **event))
    (asked,) = short.events.begun
    assert (short.went, asked.function, asked.payload, short.invoker.begun) == ("short", "hello", b'{"a": 1}', [])
    short.house.functions.operations["invoke"] = invoke
    short.events.known = False
    other = ask(short, short.plain(**event))
    # Each failure has an id of its own.
    ids = {"x-amzn-requestid"} if error is not None else set()
    alike = [sorted((k.lower(), v) for k, v in got.headers.items() if k.lower() not in ids) for got in (one, other)]
    assert alike[0] == alike[1]
    assert (one.status, one.body) == (other.status, other.body)  # type: ignore[attr-defined]
    assert one.status == {None: 202, OSError: 500}.get(type(error) if error else None, 429)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Amz-Invocation-Type": "DryRun"},
        {"X-Amz-Log-Type": "Tail"},
        {"X-Amz-Client-Context": "e30="},
        {"Origin": "http://evil.example"},
        {"User-Agent": "Mozilla/5.0"},
        {"X-Unknown": "1"},
        {"Host": "abc.execute-api.us-east-1.localhost"},
    ],
)
def test_what_is_no_plain_invoke_goes_the_ordinary_way(short: Short, headers: dict[str, str]) -> None:
    ask(short, short.plain(**headers))
    assert not short.invoker.begun


@pytest.mark.parametrize(
    "head",
    [
        lambda head: head.replace(b"Content-Length: 2", b"Content-Length: 1"),
        lambda head: head.replace(b"Content-Length: 2", b"Content-Length: +2"),
        lambda head: head.replace(b"Content-Length: 2", b"Content-Length: 2\r\nContent-Length: 2"),
        lambda head: head.replace(b"Content-Length: 2", b"Content-Length: " + b"0" * 5000 + b"2"),
        lambda head: head.replace(b"Content-Length: 2", b"Content-Length: 2\r\nTransfer-Encoding: chunked"),
        lambda head: head.replace(b"Content-Length: 2", b"Content-Length : 2"),
        lambda head: head.replace(b"Content-Length: 2", b"Content-Length: 2\nTransfer-Encoding: chunked"),
        lambda head: head.replace(b"Content-Length: 2", b"Content-Length: 2\r\n\tfolded"),
        lambda head: head.replace(b"\r\n", b"\n"),
    ],
)
def test_a_request_that_could_be_read_in_two_ways_goes_no_way(short: Short, head: Callable[[bytes], bytes]) -> None:
    with short.connect() as sock:
        sock.sendall(short.plain(head=head))
        sock.shutdown(socket.SHUT_WR)
        read_until_closed(sock)
    assert short.went == "none"


@pytest.mark.parametrize("path", [f"{INVOKE}?Qualifier=1", INVOKE.replace("hello", "hel%6Co"), f"{INVOKE}/"])
def test_an_invoke_by_another_path_goes_the_ordinary_way(short: Short, path: str) -> None:
    ask(short, request_head("POST", path, short.house.sign("POST", path, b"{}", {})) + b"{}")
    assert not short.invoker.begun


def receiving(server: Short) -> bool:
    """Whether a head is here, and its body is not."""
    return any(connection.receiving for connection in server.listener._state.connections)


def test_a_head_waits_for_its_body(short: Short) -> None:
    request = short.plain()
    with short.connect() as sock:
        for _ in range(2):
            sock.sendall(request[:-2])
            wait_until(lambda: receiving(short))
            sock.sendall(request[-2:])
            assert sock.recv(4096).endswith(b'"done"')
    assert len(short.invoker.begun) == 2
    assert short.listener._state.body_bytes == 0


def test_a_head_does_not_wait_for_ever(short: Short) -> None:
    with short.connect() as sock:
        sock.sendall(short.plain()[:-2])
        wait_until(lambda: receiving(short))
        for moment in (0.0, BODY_TIMEOUT_S - 1, BODY_TIMEOUT_S + 1):
            assert len(short.listener._state.connections) == 1
            short.call(lambda moment=moment: short.listener.tick("", moment))
        assert read_until_closed(sock) == b""
    wait_until(lambda: short.listener._state.body_bytes == 0)


def test_a_head_without_its_body_does_not_keep_the_server_from_stopping(short: Short) -> None:
    with short.connect() as sock:
        sock.sendall(short.plain()[:-2])
        wait_until(lambda: receiving(short))
        short.call(short.listener.begin_drain)
        assert read_until_closed(sock) == b""


def test_a_request_that_comes_in_pieces_goes_the_same_way(short: Short) -> None:
    request = short.plain()
    with short.connect() as sock:
        for begun in range(1, 3):
            for piece in (request[:20], request[20:]):
                sock.sendall(piece)
                wait_until(
                    lambda begun=begun: (
                        any(c._incoming for c in short.listener._state.connections) or len(short.invoker.begun) == begun
                    )
                )
            assert sock.recv(4096).endswith(b'"done"')


@pytest.mark.parametrize("further", [{}, {"X-Unknown": "1"}])
def test_a_body_that_looks_like_a_request_is_a_body(short: Short, further: dict[str, str]) -> None:
    inner = short.plain()
    headers = short.house.sign("POST", INVOKE, inner, further)
    with short.connect() as sock:
        sock.sendall(request_head("POST", INVOKE, headers))
        wait_until(lambda: receiving(short))
        sock.sendall(inner)
        assert b"\r\n\r\n" in sock.recv(4096)
    assert not short.invoker.begun


@pytest.mark.parametrize(
    ("keys", "body", "code"),
    [
        ({"secret": "wrong"}, b"{}", "InvalidSignatureException"),
        ({"access_key": "AKIANOBODY"}, b"{}", "UnrecognizedClientException"),
        ({"service": "logs"}, b"{}", None),
        ({}, b"{no json", None),
    ],
)
def test_refusals_come_from_the_ordinary_way(short: Short, keys: dict[str, str], body: bytes, code: str | None) -> None:
    headers = short.house.sign("POST", INVOKE, body, {}, **keys)
    got = ask(short, request_head("POST", INVOKE, headers) + body)
    assert not short.invoker.begun
    if code is not None:
        assert (got.status, code in str(got.headers)) == (403, True)


def test_who_is_not_known_to_be_allowed_is_asked_about(short: Short) -> None:
    short.open = False
    ask(short, short.plain())
    assert short.went == "ordinary"


def test_functions_do_not_go_the_short_way(short: Short) -> None:
    sock = socket.create_server(("127.0.0.1", 0))
    port = sock.getsockname()[1]
    short.call(lambda: short.server.serve_socket(sock))
    with pytest.raises(Exception, match="AccessDenied"):
        short.client("lambda", port, **short.house.session()).invoke(FunctionName="hello")
    assert not short.invoker.begun


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (TooManyRequestsException(Reason="CallerRateLimitExceeded", Type="User"), 429, b"CallerRateLimitExceeded"),
        (JournalFullError(), 500, b"no space left"),
        (RuntimeError("secret inside"), 500, b"ServiceException"),
    ],
)
def test_what_kept_an_invocation_from_its_end_is_told_and_secrets_are_not(
    short: Short, caplog: pytest.LogCaptureFixture, error: Exception, status: int, said: bytes
) -> None:
    short.invoker.ends = None
    with short.connect() as sock, caplog.at_level(logging.CRITICAL):
        sock.sendall(short.plain())
        wait_until(lambda: bool(short.invoker.replies))
        short.call(lambda: short.invoker.replies[0].set_exception(error))
        got = sock.recv(4096)
    assert got.startswith(b"HTTP/1.1 %d " % status)
    assert said in got
    assert b"secret" not in got
    assert got.lower().count(b"\r\ndate: ") == 1
    assert short.counted == [("lambda", status)]


def waiting(short: Short, sock: socket.socket) -> Reply:
    short.invoker.ends = None
    sock.sendall(short.plain())
    wait_until(lambda: bool(short.invoker.replies))
    return short.invoker.replies[-1]


def test_the_loop_stays_awake_for_the_answer_to_the_only_request_and_for_the_next(short: Short) -> None:
    state, kept = short.listener._state, list[str]()
    state._for_answers = SimpleNamespace(keep=lambda: kept.append("answer"))  # type: ignore[assignment]
    state._for_requests = SimpleNamespace(keep=lambda: kept.append("request"))  # type: ignore[assignment]
    with short.connect() as sock, short.connect() as other:
        first = waiting(short, sock)
        wait_until(lambda: kept == ["answer"])
        short.invoker.replies.clear()
        second = waiting(short, other)
        short.call(lambda: second.set_result(DONE))
        assert other.recv(4096).endswith(b'"done"')
        assert kept == ["answer"], "nobody waits for one while another is served"
        short.call(lambda: first.set_result(DONE))
        assert sock.recv(4096).endswith(b'"done"')
        wait_until(lambda: kept == ["answer", "request"])
        short.invoker.ends, short.open = DONE, False
        assert ask(short, short.plain()).status == 200
        wait_until(lambda: kept[2:] == ["request"])


def test_a_second_answer_to_one_request_never_goes_out(short: Short, caplog: pytest.LogCaptureFixture) -> None:
    with short.connect() as sock, caplog.at_level(logging.CRITICAL):
        first = waiting(short, sock)
        short.call(lambda: first.set_result(DONE))
        assert sock.recv(4096).endswith(b'"done"')
        short.call(lambda: first.set_result(DONE))
        second = waiting(short, sock)
        short.call(lambda: second.set_exception(JournalFullError()))
        assert sock.recv(4096).startswith(b"HTTP/1.1 500 ")


def test_who_asks_again_before_the_answer_is_cut_off(short: Short) -> None:
    with short.connect() as sock:
        reply = waiting(short, sock)
        sock.sendall(short.plain())
        assert read_until_closed(sock) == b""
        short.call(lambda: reply.set_result(DONE))
    assert len(short.invoker.begun) == 1


def test_who_does_not_read_his_answers_has_the_next_wait_on_the_ordinary_way(short: Short) -> None:
    short.invoker.ends = InvocationResult(request_id="r", payload=b"x" * 4_000_000, executed_version="1")
    with short.connect() as sock:
        for sent in range(1, 20):
            sock.sendall(short.plain())
            wait_until(lambda sent=sent: len(short.invoker.begun) + len(short.house.functions.calls) == sent)
            if short.house.functions.calls:
                break
        # What waits to be sent is bounded: the answer that filled the socket, and one more.
        assert len(short.house.functions.calls) == 1


def test_an_answer_for_a_client_that_went_away_is_nobody_s(short: Short) -> None:
    with short.connect() as sock:
        reply = waiting(short, sock)
    wait_until(lambda: not short.listener._state.connections)
    short.call(lambda: reply.set_result(DONE))
    assert short.listener._state.body_bytes == 0


class HeldTurns(Turns):
    """Turns that a test gives."""

    def __init__(self) -> None:
        super().__init__()
        self.held: list[Callable[[], None]] = []

    def wait(self, begin: Callable[[], None]) -> None:
        self.held.append(begin)


def crowd(short: Short) -> HeldTurns:
    """As if so many invocations ran that the next wait for their turns."""
    express, turns = short.listener._state.express, HeldTurns()
    assert express is not None
    express.turns, turns.running = turns, AT_ONCE
    return turns


def test_one_of_many_begins_in_its_turn(short: Short) -> None:
    turns = crowd(short)
    with short.connect() as sock:
        sock.sendall(short.plain())
        wait_until(lambda: bool(turns.held))
        assert short.went == "none"
        short.call(turns.held[0])
        assert sock.recv(4096).startswith(b"HTTP/1.1 200 ")
    assert (short.went, turns.running) == ("short", AT_ONCE)


def test_who_waits_for_his_turn_loses_nothing_by_going_away(short: Short) -> None:
    turns = crowd(short)
    with short.connect() as sock:
        sock.sendall(short.plain())
        wait_until(lambda: bool(turns.held))
    wait_until(lambda: len(short.invoker.begun) == 1)
    short.call(turns.held[0])
    assert len(short.invoker.begun) == 1


def test_a_request_in_pieces_waits_for_its_turn_once_it_is_whole(short: Short) -> None:
    turns = crowd(short)
    request = short.plain(b'{"a": 1}')
    with short.connect() as sock:
        sock.sendall(request[:-4])
        wait_until(lambda: receiving(short))
        assert not turns.held
        sock.sendall(request[-4:])
        wait_until(lambda: bool(turns.held))
        short.call(turns.held[0])
        assert sock.recv(4096).startswith(b"HTTP/1.1 200 ")
    assert [request.payload for request in short.invoker.begun] == [b'{"a": 1}']


def test_a_stop_does_not_forget_who_waits_for_his_turn(short: Short) -> None:
    turns = crowd(short)
    with short.connect() as sock:
        sock.sendall(short.plain())
        wait_until(lambda: bool(turns.held))
        short.call(short.listener.begin_drain)
        assert read_until_closed(sock).endswith(b'"done"')


def test_bodies_on_the_short_way_count_until_their_answer(short: Short) -> None:
    with short.connect() as sock:
        reply = waiting(short, sock)
        assert short.listener._state.body_bytes > 0
        short.call(lambda: reply.set_result(DONE))
        assert sock.recv(4096).startswith(b"HTTP/1.1 200 ")
    assert short.listener._state.body_bytes == 0


def test_a_stop_lets_an_invocation_on_the_short_way_finish_and_ends_its_connection(short: Short) -> None:
    with short.connect() as sock:
        reply = waiting(short, sock)
        short.call(short.listener.begin_drain)
        assert short.listener.busy
        short.call(lambda: reply.set_result(DONE))
        got = read_until_closed(sock)
    assert b"\r\nconnection: close\r\n" in got
    assert got.endswith(b'"done"')


def test_a_connection_waits_for_its_answer_and_is_kept_for_a_while_after_it(short: Short) -> None:
    def ticks(*moments: float) -> None:
        for moment in moments:
            short.call(lambda moment=moment: short.listener.tick("", moment))

    with short.connect() as sock:
        reply = waiting(short, sock)
        ticks(0.0, 1e6)
        short.call(lambda: reply.set_result(DONE))
        assert sock.recv(4096).startswith(b"HTTP/1.1 200 ")
        ticks(2e6, 2e6 + KEEP_ALIVE_S - 1)
        short.invoker.ends = DONE
        sock.sendall(short.plain())
        assert sock.recv(4096).startswith(b"HTTP/1.1 200 ")
        ticks(3e6, 3e6 + KEEP_ALIVE_S - 1)
        assert short.listener._state.connections
        ticks(3e6 + KEEP_ALIVE_S + 1)
        assert read_until_closed(sock) == b""


def test_an_express_says_what_it_is(short: Short) -> None:
    express: Any = short.listener._state.express
    assert repr(express).startswith("<Express <ServiceApi lambda")
