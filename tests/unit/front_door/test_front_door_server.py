"""The server's sockets: real ones, with real clients."""

import asyncio
import http.client
import logging
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, TypeVar

import boto3
import pytest
import uvloop
from botocore.config import Config
from botocore.exceptions import ClientError
from front_door_house import INVOKE, House

from fakes.waiting import PATIENCE_S
from stoker.front_door.connection import HEAD_TIMEOUT_S, KEEP_ALIVE_S, MAX_HEAD_BYTES, Connection
from stoker.front_door.listening import Bounds
from stoker.front_door.server import Server

T = TypeVar("T")


class Running:
    """A server in a thread of its own, on a free port of the loopback."""

    def __init__(self, house: House, proxies: Sequence[str] = ()) -> None:
        self.house = house
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.server = Server(house.door)
        self.run(self.server.start("127.0.0.1", 0, proxies=proxies))
        self.port = self.server.port

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    def call(self, work: Callable[[], T]) -> T:
        async def called() -> T:
            return work()

        return self.run(called())

    def close(self) -> None:
        self.run(self.server.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()

    def client(self, service: str, port: int | None = None, **keys: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{port or self.port}",
            region_name="us-east-1",
            aws_access_key_id=keys.get("access_key", "AKIAEXAMPLE"),
            aws_secret_access_key=keys.get("secret", "secret"),
            aws_session_token=keys.get("token"),
            config=Config(retries={"max_attempts": 0}, read_timeout=PATIENCE_S, inject_host_prefix=False),
        )

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)


@pytest.fixture
def running(house: House) -> Iterator[Running]:
    server = Running(house)
    yield server
    server.close()


def test_boto3_invokes_a_function(running: Running) -> None:
    answer = running.client("lambda").invoke(FunctionName="hello", Payload=b'{"a": 1}', LogType="Tail")
    assert answer["Payload"].read() == b'{"a": 1}'
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")


def test_boto3_asks_who_it_is(running: Running) -> None:
    assert running.client("sts").get_caller_identity()["Arn"] == "arn:aws:iam::000000000000:root"


def test_boto3_sees_errors_as_its_exceptions(running: Running) -> None:
    functions = running.client("lambda")
    with pytest.raises(functions.exceptions.ResourceNotFoundException, match="absent"):
        functions.get_function(FunctionName="absent")
    with pytest.raises(ClientError, match="InvalidSignatureException") as wrong:
        running.client("lambda", secret="wrong").invoke(FunctionName="hello")
    assert wrong.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_boto3_gets_its_413_for_an_event_that_is_too_large(running: Running) -> None:
    functions = running.client("lambda")
    with pytest.raises(ClientError, match="RequestEntityTooLargeException"):
        functions.invoke(FunctionName="hello", Payload=b"1" * 6_291_457)
    assert functions.invoke(FunctionName="hello", Payload=b"2")["Payload"].read() == b"2"


def test_boto3_follows_a_live_tail_and_may_leave_it(running: Running) -> None:
    group = "arn:aws:logs:us-east-1:000000000000:log-group:g"
    stream = running.client("logs").start_live_tail(logGroupIdentifiers=[group])["responseStream"]
    assert next(iter(stream)) == {"sessionStart": {"requestId": "r"}}
    stream.close()
    running.run(asyncio.wait_for(running.house.logs.ended.wait(), PATIENCE_S))


def test_boto3_calls_a_queue(running: Running) -> None:
    answer = running.client("sqs").list_queues(QueueNamePrefix="ü")
    assert answer["QueueUrls"] == ["ü", "127.0.0.1", "us-east-1"]


def test_a_call_that_waits_hears_when_its_client_has_gone(running: Running) -> None:
    target = {"X-Amz-Target": "AmazonSQS.ReceiveMessage", "Content-Type": "application/x-amz-json-1.0"}
    body = b'{"QueueUrl": "http://here/000000000000/q", "WaitTimeSeconds": 20}'
    with running.connect() as sock:
        headers = running.house.sign("POST", "/", body, target, service="sqs")
        sock.sendall(request_head("POST", "/", headers) + body)
        wait_until(running.house.queues.waiting.is_set)
        assert not running.house.queues.left.is_set()
    wait_until(running.house.queues.left.is_set)
    (listener,) = running.server._listeners
    wait_until(lambda: not listener.busy)
    assert listener._state.body_bytes == 0


def test_every_answer_has_exactly_one_date(running: Running) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=PATIENCE_S)
    headers = running.house.sign("POST", INVOKE, b"{}", {})
    for path, sent in ((INVOKE, headers), (INVOKE, {}), ("/_stoker/health", {})):
        connection.request("GET" if "health" in path else "POST", path, b"{}", sent)
        answer = connection.getresponse()
        answer.read()
        assert len(answer.headers.get_all("Date") or []) == 1
        assert answer.headers.get("Server") is None
        assert not (answer.headers.get("Date") or "").endswith("1970 00:00:00 GMT")


def test_a_client_that_waits_for_100_gets_it_or_its_refusal(running: Running) -> None:
    headers = running.house.sign("POST", INVOKE, b"{}", {"Expect": "100-continue"})
    with running.connect() as sock:
        sock.sendall(request_head("POST", INVOKE, headers))
        assert sock.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"{}")
        assert sock.recv(4096).startswith(b"HTTP/1.1 200 ")
    headers["Content-Length"] = "6291457"
    with running.connect() as sock:
        sock.sendall(request_head("POST", INVOKE, headers))
        assert sock.recv(4096).startswith(b"HTTP/1.1 413 ")


def request_head(method: str, path: str, headers: dict[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode()


@pytest.mark.parametrize("finished", [True, False])
def test_headers_that_are_too_large_are_refused(running: Running, finished: bool) -> None:
    filler = "".join(f"x-{index}: {'y' * 1000}\r\n" for index in range(MAX_HEAD_BYTES // 1000 + 5))
    with running.connect() as sock:
        sock.sendall(f"GET /_stoker/health HTTP/1.1\r\nhost: a\r\n{filler}".encode() + b"\r\n" * finished)
        assert sock.recv(4096).startswith(b"HTTP/1.1 431 ")


def test_what_is_not_http_is_refused(running: Running) -> None:
    with running.connect() as sock:
        sock.sendall(b"\x16\x03\x01 what is this\r\n\r\n")
        assert sock.recv(4096).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nx: "])
def test_a_client_that_never_finishes_its_headers_is_cut_off(running: Running, sent: bytes) -> None:
    with running.connect() as sock:
        sock.sendall(sent)
        (listener,) = running.server._listeners
        wait_until(lambda: len(listener._state.connections) == 1)
        for moment in (0.0, HEAD_TIMEOUT_S - 1, HEAD_TIMEOUT_S + 1):
            assert len(listener._state.connections) == 1
            running.call(lambda moment=moment: listener.tick("", 1e9 + moment))
        assert sock.recv(1) == b""


HEALTH = b"GET /_stoker/health HTTP/1.1\r\nhost: a\r\n\r\n"


def read_until_closed(sock: socket.socket) -> bytes:
    received = b""
    try:
        while data := sock.recv(65536):
            received += data
    except ConnectionResetError:
        return received
    return received


def test_a_client_that_asks_before_its_answer_came_is_cut_off(running: Running) -> None:
    with running.connect() as sock:
        sock.sendall(HEALTH * 100)
        assert read_until_closed(sock).count(b"HTTP/1.1 200 ") <= 1


def test_a_client_that_asks_after_its_answer_came_is_served(running: Running) -> None:
    with running.connect() as sock:
        for _ in range(3):
            sock.sendall(HEALTH)
            assert sock.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_more_connections_than_a_listener_may_have_are_closed_and_the_others_go_on(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    (listener,) = running.server._listeners
    monkeypatch.setattr(listener._state, "bounds", Bounds(connections=1, body_bytes=1000))
    with running.connect() as first:
        wait_until(lambda: len(listener._state.connections) == 1)
        with running.connect() as second:
            assert read_until_closed(second) == b""
        first.sendall(HEALTH)
        assert first.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_bodies_may_take_so_much_memory_together_and_give_it_back(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    (listener,) = running.server._listeners
    monkeypatch.setattr(listener._state, "bounds", Bounds(connections=9, body_bytes=1000))
    with running.connect() as sock:
        sock.sendall(request_head("POST", INVOKE, running.house.sign("POST", INVOKE, b"1" * 2000, {})) + b"1" * 2000)
        assert read_until_closed(sock) == b""
    for _ in range(3):
        answer = running.client("lambda").invoke(FunctionName="hello", Payload=b'"%s"' % (b"x" * 500))
        assert answer["StatusCode"] == 200


def test_a_body_that_never_ends_does_not_keep_the_server_from_stopping(house: House) -> None:
    running = Running(house)
    with running.connect() as sock:
        sock.sendall(request_head("POST", INVOKE, house.sign("POST", INVOKE, b"1" * 2000, {})) + b"1")
        (listener,) = running.server._listeners
        wait_until(lambda: any(c.receiving for c in listener._state.connections if isinstance(c, Connection)))
        running.run(running.server.drain())
    running.close()


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_an_idle_connection_is_kept_for_a_while(running: Running) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=PATIENCE_S)
    connection.request("GET", "/_stoker/health")
    connection.getresponse().read()
    (listener,) = running.server._listeners
    for moment in (0.0, KEEP_ALIVE_S - 1):
        running.call(lambda moment=moment: listener.tick("", 1e9 + moment))
    connection.request("GET", "/_stoker/health")
    assert connection.getresponse().status == 200


def sandbox_socket() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def test_a_sandbox_s_socket_serves_sessions_while_the_server_runs(running: Running) -> None:
    sock = sandbox_socket()
    port = sock.getsockname()[1]
    listener = running.call(lambda: running.server.serve_socket(sock))
    arn = running.client("sts", port, **running.house.session()).get_caller_identity()["Arn"]
    assert arn.endswith(":assumed-role/worker/hello")
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        running.client("sts", port).get_caller_identity()
    running.call(listener.close)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    assert running.client("sts").get_caller_identity()["Account"] == "000000000000"


def test_closing_a_sandbox_s_listener_breaks_its_connections_off(running: Running) -> None:
    sock = sandbox_socket()
    listener = running.call(lambda: running.server.serve_socket(sock))
    connection = http.client.HTTPConnection("127.0.0.1", sock.getsockname()[1], timeout=PATIENCE_S)
    connection.request("GET", "/_stoker/health")
    assert connection.getresponse().status == 404
    running.call(listener.close)
    running.call(listener.close)
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        connection.request("GET", "/_stoker/health")
        connection.getresponse()


def test_a_sandbox_s_socket_that_nobody_used_is_let_go_with_its_sandbox_or_with_the_server(running: Running) -> None:
    socks = [sandbox_socket(), sandbox_socket()]
    ports = [sock.getsockname()[1] for sock in socks]
    listeners = running.call(lambda: [running.server.serve_socket(sock) for sock in socks])
    running.call(listeners[0].close)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", ports[0]), timeout=PATIENCE_S)
    running.run(running.server.close())
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", ports[1]), timeout=PATIENCE_S)
    running.call(listeners[1].close)


class SlowLambda:
    """Invocations that take until they are let go."""

    name = "lambda"

    def __init__(self) -> None:
        self.begun, self.go = asyncio.Event(), asyncio.Event()

    async def invoke(self, call: Any) -> dict[str, Any]:
        self.begun.set()
        await self.go.wait()
        return {"StatusCode": 200, "Payload": b'"done"'}


def test_a_drain_lets_running_requests_finish(house: House) -> None:
    slow = SlowLambda()
    house.functions.operations["invoke"] = slow.invoke
    running = Running(house)
    answers: list[bytes] = []
    functions = running.client("lambda")
    caller = threading.Thread(target=lambda: answers.append(functions.invoke(FunctionName="hello")["Payload"].read()))
    caller.start()
    running.run(asyncio.wait_for(slow.begun.wait(), PATIENCE_S))
    stopping = asyncio.run_coroutine_threadsafe(running.server.drain(), running._loop)
    running.call(slow.go.set)
    stopping.result(PATIENCE_S)
    caller.join(PATIENCE_S)
    running.close()
    assert answers == [b'"done"']


def test_a_close_does_not_wait_for_requests(house: House, caplog: pytest.LogCaptureFixture) -> None:
    slow = SlowLambda()
    house.functions.operations["invoke"] = slow.invoke
    running = Running(house)
    with running.connect() as sock, caplog.at_level(logging.CRITICAL, "stoker.front_door.connection"):
        sock.sendall(request_head("POST", INVOKE, house.sign("POST", INVOKE, b"", {})))
        running.run(asyncio.wait_for(slow.begun.wait(), PATIENCE_S))
        # It waits neither for ever, nor for what goes on.
        running.close()
        assert not slow.go.is_set()


def test_a_connection_says_whose_it_is(running: Running) -> None:
    with running.connect() as sock:
        (listener,) = running.server._listeners
        wait_until(lambda: len(listener._state.connections) == 1)
        (connection,) = listener._state.connections
        assert isinstance(connection, Connection)
        assert repr(connection) == f"<Connection {sock.getsockname()}>"
        assert repr(listener) == f"<Listener ('127.0.0.1', {running.port}): 1 connections>"


def seen(house: House, proxies: Sequence[str], forwarded: str, proto: str = "http") -> tuple[str, bool]:
    """Where an invocation came from and whether it came over TLS, as its service is told."""
    headers = {"X-Forwarded-For": forwarded, "X-Forwarded-Proto": proto}
    running = Running(house, proxies)
    try:
        functions = running.client("lambda")
        functions.meta.events.register(
            "before-send.lambda.Invoke", lambda request, **_: request.headers.update(headers)
        )
        functions.invoke(FunctionName="hello")
        call = house.functions.calls[-1]
        return call.source_ip, call.is_secure
    finally:
        running.close()


def test_nobody_says_for_whom_he_speaks(house: House) -> None:
    assert seen(house, (), "203.0.113.9", "https") == ("127.0.0.1", False)


@pytest.mark.parametrize(
    ("proxies", "forwarded", "client"),
    [
        (("127.0.0.0/8", "10.0.0.7"), "198.51.100.1, 203.0.113.9, 10.0.0.7", "203.0.113.9"),
        (("127.0.0.0/8",), "198.51.100.1:99", "198.51.100.1"),
        (("127.0.0.0/8",), "[2001:db8::1]:99", "2001:db8::1"),
        (("127.0.0.0/8",), "2001:db8::1", "2001:db8::1"),
        (("127.0.0.0/8",), "203.0.113.9, nonsense", "127.0.0.1"),
        (("127.0.0.0/8",), "", "127.0.0.1"),
        (("10.0.0.0/8",), "203.0.113.9", "127.0.0.1"),
    ],
)
def test_a_proxy_of_ours_does_and_nobody_before_it(
    house: House, proxies: Sequence[str], forwarded: str, client: str
) -> None:
    assert seen(house, proxies, forwarded)[0] == client


@pytest.mark.parametrize(
    ("proto", "is_secure"), [("https", True), ("http", False), ("https, http", False), ("x", False)]
)
def test_a_proxy_of_ours_says_whether_its_client_came_over_tls(house: House, proto: str, is_secure: bool) -> None:
    assert seen(house, ("127.0.0.1/32",), "203.0.113.9", proto) == ("203.0.113.9", is_secure)


def test_what_runs_in_a_sandbox_is_served_until_the_close(house: House) -> None:
    running = Running(house)
    sock = sandbox_socket()
    port = sock.getsockname()[1]
    running.call(lambda: running.server.serve_socket(sock))
    running.run(running.server.drain())
    arn = running.client("sts", port, **house.session()).get_caller_identity()["Arn"]
    assert arn.endswith(":assumed-role/worker/hello")
    running.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
