"""The official Runtime API over HTTP, with plain sockets and the official client at the other end."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.listener import RecordingListener
from fakes.loop import on_loop, until
from stoker.model.invocation import Invocation
from stoker.runtime_api.connection import RuntimeConnection
from stoker.runtime_api.server import MAX_CONNECTIONS
from stoker.runtime_api.session import Delivery

RUNTIME = "/2018-06-01/runtime"


def event(request_id: str = "r-1", payload: bytes = b'{"n": 1}', **more: str) -> Delivery:
    invocation = Invocation(request_id=request_id, payload=payload, invoked_arn="arn:f", **more)  # type: ignore[arg-type]
    return Delivery(invocation=invocation, deadline_ms=1_700_000_000_000)


class Http:
    """One connection of a process."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def open(self) -> "Http":
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    def send(self, method: str, path: str, body: bytes = b"", **headers: str) -> None:
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1:9001", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    async def reply(self) -> tuple[int, dict[str, str], bytes]:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        return int(head[0].split()[1]), headers, await self.reader.readexactly(int(headers.get("content-length", 0)))

    async def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
        self.send(method, path, body, **headers)
        return await self.reply()

    async def closed(self) -> bool:
        try:
            return await self.reader.read() == b""
        except ConnectionResetError:
            return True


class Bench:
    """A served environment."""

    async def open(self) -> "Bench":
        listening = socket.create_server(("127.0.0.1", 0))
        listening.setblocking(False)
        self.port: int = listening.getsockname()[1]
        ours, self.channel = socket.socketpair()
        ours.setblocking(False)
        self.listener = RecordingListener()
        self.connection = RuntimeConnection(self.listener)
        await self.connection.open(ours, listening)
        self.http = await Http(self.port).open()
        return self

    async def running(self, delivery: Delivery | None = None) -> tuple[int, dict[str, str], bytes]:
        self.http.send("GET", f"{RUNTIME}/invocation/next")
        await until(lambda: self.connection.waiting)
        self.connection.deliver(delivery or event())
        return await self.http.reply()


@on_loop
async def test_next_waits_and_brings_the_event_with_its_headers() -> None:
    bench = await Bench().open()
    status, headers, body = await bench.running(event(trace_id="Root=1", client_context='{"a":\n1}'))
    assert (status, body) == (200, b'{"n": 1}')
    assert headers["lambda-runtime-aws-request-id"] == "r-1"
    assert headers["lambda-runtime-deadline-ms"] == "1700000000000"
    assert headers["lambda-runtime-invoked-function-arn"] == "arn:f"
    assert headers["lambda-runtime-trace-id"] == "Root=1"
    assert json.loads(headers["lambda-runtime-client-context"]) == {"a": 1}
    assert "lambda-runtime-cognito-identity" not in headers


@on_loop
async def test_a_response_is_accepted_and_the_connection_serves_the_next_event() -> None:
    bench = await Bench().open()
    await bench.running()
    assert (await bench.http.ask("POST", f"{RUNTIME}/invocation/r-1/response", b'"ok"'))[0] == 202
    assert (await bench.running(event("r-2")))[1]["lambda-runtime-aws-request-id"] == "r-2"
    assert bench.listener.words == ["ready", "answered"]
    assert bench.listener.answers[0].payload == b'"ok"'


@on_loop
async def test_a_chunked_response_is_put_together() -> None:
    bench = await Bench().open()
    await bench.running()
    head = f"POST {RUNTIME}/invocation/r-1/response HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    bench.http.writer.write(head.encode() + b'2\r\n"o\r\n2\r\nk"\r\n0\r\n\r\n')
    assert (await bench.http.reply())[0] == 202
    assert bench.listener.answers[0].payload == b'"ok"'


@on_loop
async def test_a_client_that_asks_before_it_sends_is_told_to_go_on() -> None:
    bench = await Bench().open()
    await bench.running()
    bench.http.send("POST", f"{RUNTIME}/invocation/r-1/response", b'"ok"', Expect="100-continue")
    assert (await bench.http.reply())[0] == 100
    assert (await bench.http.reply())[0] == 202


@on_loop
async def test_header_names_are_read_in_any_case() -> None:
    bench = await Bench().open()
    await bench.running()
    path = f"{RUNTIME}/invocation/r-1/error"
    assert (await bench.http.ask("POST", path, b"{}", LAMBDA_runtime_Function_ERROR_type="Runtime.Bad"))[0] == 202
    assert bench.listener.answers[0].error_type == "Runtime.Bad"


@on_loop
async def test_an_error_type_is_found_in_the_body_when_no_header_names_it() -> None:
    bench = await Bench().open()
    await bench.running()
    await bench.http.ask("POST", f"{RUNTIME}/invocation/r-1/error", b'{"errorType": "KeyError"}')
    assert bench.listener.answers[0].error_type == "KeyError"


@on_loop
async def test_an_init_error_is_told_to_the_environment() -> None:
    bench = await Bench().open()
    body = b'{"errorMessage": "no", "errorType": "Runtime.NoSuchHandler"}'
    assert (await bench.http.ask("POST", f"{RUNTIME}/init/error", body))[0] == 202
    assert bench.listener.heard[0][0] == "init failed"
    assert bench.listener.answers[0].error_type == "Runtime.NoSuchHandler"


@pytest.mark.parametrize(
    ("method", "path", "status", "error_type"),
    [
        ("POST", f"{RUNTIME}/invocation/r-9/response", 400, "InvalidRequestID"),
        ("POST", f"{RUNTIME}/invocation/r-9/error", 400, "InvalidRequestID"),
        ("GET", f"{RUNTIME}/invocation/next", 403, "InvalidStateTransition"),
        ("POST", f"{RUNTIME}/init/error", 403, "InvalidStateTransition"),
        ("GET", f"{RUNTIME}/restore/next", 404, "NotFound"),
        ("POST", "/2020-01-01/extension/register", 403, "Extension.InvalidExtensionName"),
        ("GET", "/2020-01-01/extension/event/next", 403, "Extension.MissingHeader"),
        ("PUT", "/2022-07-01/telemetry", 403, "Extension.MissingHeader"),
        ("DELETE", f"{RUNTIME}/invocation/next", 404, "NotFound"),
        ("GET", "/", 404, "NotFound"),
    ],
)
def test_what_is_out_of_turn_or_not_there_is_refused_with_a_reason(
    method: str, path: str, status: int, error_type: str
) -> None:
    @on_loop
    async def scenario() -> None:
        bench = await Bench().open()
        await bench.running()
        got, _, body = await bench.http.ask(method, path, b"{}")
        assert (got, json.loads(body)["errorType"]) == (status, error_type)
        assert json.loads(body)["errorMessage"]
        assert (await bench.http.ask("POST", f"{RUNTIME}/invocation/r-1/response", b"1"))[0] == 202

    scenario()


@on_loop
async def test_a_response_over_the_limit_gets_413_and_fails_the_invocation() -> None:
    bench = await Bench().open()
    await bench.running()
    status, _, body = await bench.http.ask("POST", f"{RUNTIME}/invocation/r-1/response", b"x" * 7_000_000)
    assert (status, json.loads(body)["errorType"]) == (413, "RequestEntityTooLarge")
    assert bench.listener.answers[0].error_type == "Function.ResponseSizeTooLarge"


@on_loop
async def test_a_client_that_drops_its_next_may_ask_again() -> None:
    bench = await Bench().open()
    bench.http.send("GET", f"{RUNTIME}/invocation/next")
    await until(lambda: bench.connection.waiting)
    bench.http.writer.close()
    await until(lambda: not bench.connection.waiting)
    bench.connection.deliver(event())
    bench.http = await Http(bench.port).open()
    status, _, _ = await bench.http.ask("GET", f"{RUNTIME}/invocation/next")
    assert status == 200


@on_loop
async def test_an_http_1_0_client_gets_its_answer_and_a_closed_connection() -> None:
    bench = await Bench().open()
    bench.http.writer.write(f"GET {RUNTIME}/invocation/next HTTP/1.0\r\n\r\n".encode())
    await until(lambda: bench.connection.waiting)
    bench.connection.deliver(event())
    assert (await bench.http.reply())[2] == b'{"n": 1}'
    assert await bench.http.closed()


@on_loop
async def test_a_flood_of_connections_is_cut_off_and_the_first_still_work() -> None:
    bench = await Bench().open()
    others = [await Http(bench.port).open() for _ in range(MAX_CONNECTIONS + 5)]
    assert await others[-1].closed()
    assert (await bench.running())[0] == 200


@pytest.mark.parametrize(
    "data",
    [b"\x00\x01\x02\x03 nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ids=["bytes", "version", "http2"],
)
def test_nonsense_closes_its_connection_only(data: bytes) -> None:
    @on_loop
    async def scenario() -> None:
        bench = await Bench().open()
        hostile = await Http(bench.port).open()
        hostile.writer.write(data)
        await hostile.reader.read()
        assert (await bench.running())[0] == 200

    scenario()


@on_loop
async def test_headers_without_end_close_the_connection() -> None:
    bench = await Bench().open()
    bench.http.writer.write(b"GET / HTTP/1.1\r\n" + b"X-A: " + b"y" * 2_000_000)
    assert await bench.http.closed()


@on_loop
async def test_bodies_that_cannot_count_are_not_stored() -> None:
    bench = await Bench().open()
    clients = [await Http(bench.port).open() for _ in range(20)]
    for client in clients:
        client.send("POST", f"{RUNTIME}/invocation/r-9/response", b"x" * 2_000_000)
    assert [(await client.reply())[0] for client in clients] == [403] * 20
    assert bench.connection._server.buffered_bytes == 0


@on_loop
async def test_many_answers_at_once_cannot_fill_memory() -> None:
    bench = await Bench().open()
    await bench.running()
    clients = [await Http(bench.port).open() for _ in range(8)]
    head = f"POST {RUNTIME}/invocation/r-1/response HTTP/1.1\r\nHost: x\r\nContent-Length: 6000000\r\n\r\n"
    for client in clients:
        client.writer.write(head.encode() + b"x" * 5_000_000)
    done, _ = await asyncio.wait(
        [asyncio.create_task(client.closed()) for client in clients], return_when="FIRST_COMPLETED"
    )
    assert done
    assert bench.connection._server.buffered_bytes <= (16 << 20)


@on_loop
async def test_more_requests_behind_a_waiting_next_close_the_connection() -> None:
    bench = await Bench().open()
    for _ in range(2):
        bench.http.send("GET", f"{RUNTIME}/invocation/next")
    assert await bench.http.closed()


@on_loop
async def test_the_channel_and_http_share_one_order() -> None:
    from stoker.bootstrap.frames import NEXT, encode

    bench = await Bench().open()
    bench.channel.send(encode(NEXT))
    await until(lambda: bench.connection.waiting)
    assert (await bench.http.ask("GET", f"{RUNTIME}/invocation/next"))[0] == 403


HANDLER = """
def handler(event, context):
    if event == "raise":
        raise KeyError("gone")
    return [event, context.aws_request_id, context.invoked_function_arn, context.get_remaining_time_in_millis() > 0]
"""


def official_client(port: int, handler: str, folder: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}", "PYTHONPATH": str(folder)}
    return subprocess.Popen(
        [sys.executable, "-m", "awslambdaric", handler],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


@on_loop
async def test_the_unmodified_official_python_client_works(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(HANDLER)
    bench = await Bench().open()
    process = official_client(bench.port, "app.handler", tmp_path)
    for request_id, payload in (("r-1", b'"a"'), ("r-2", b'"raise"'), ("r-3", b'"b"')):
        await until(lambda: bench.connection.waiting)
        late = Delivery(invocation=event(request_id, payload).invocation, deadline_ms=4_000_000_000_000)
        bench.connection.deliver(late)
    await until(lambda: len(bench.listener.answers) == 3)
    process.kill()
    process.communicate()
    first, error, last = bench.listener.answers
    assert json.loads(first.payload) == ["a", "r-1", "arn:f", True]
    assert (error.error_type, json.loads(error.payload)["errorMessage"]) == ("KeyError", "'gone'")
    assert json.loads(last.payload) == ["b", "r-3", "arn:f", True]


@on_loop
async def test_the_official_client_reports_a_missing_module_as_init_error(tmp_path: Path) -> None:
    bench = await Bench().open()
    process = official_client(bench.port, "absent.handler", tmp_path)
    await until(lambda: bench.listener.answers)
    assert await asyncio.to_thread(process.wait, 10) == 1
    process.communicate()
    assert bench.listener.answers[0].error_type == "Runtime.ImportModuleError"
    assert b"Unable to import module 'absent'" in bench.listener.answers[0].payload


@on_loop
async def test_a_request_behind_one_that_is_not_yet_answered_ends_the_connection() -> None:
    bench = await Bench().open()
    for _ in range(100):
        bench.http.send("GET", "/nothing")
    assert await bench.http.closed()
    other = await Http(bench.port).open()
    assert (await other.ask("GET", "/nothing"))[0] == 404
    assert (await other.ask("GET", "/nothing"))[0] == 404
