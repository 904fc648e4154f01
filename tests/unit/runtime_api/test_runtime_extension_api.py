"""The Extensions and Telemetry APIs as an extension speaks to them: HTTP, on the environment's own socket."""

import asyncio
import json
import socket
from typing import Any

import pytest

from fakes.clock import FakeClock
from fakes.listener import RecordingListener
from fakes.loop import on_loop, until
from stoker.model.invocation import Invocation
from stoker.runtime_api.connection import RuntimeConnection
from stoker.runtime_api.extension_api import FunctionFacts
from stoker.runtime_api.session import Delivery
from stoker.runtime_api.telemetry import Api, Destination, Subscription
from stoker.runtime_api.telemetry_destination import courier
from stoker.runtime_api.telemetry_stream import DROPPED_REASON, TelemetryStream

EXTENSION = "/2020-01-01/extension"
TELEMETRY = {
    "schemaVersion": "2022-12-13",
    "types": ["platform"],
    "destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain:8080"},
}
FACTS = FunctionFacts(name="f", version="7", handler="app.handler", account="000000000000")


class Bench:
    """A served environment with one external extension, and a client of its API."""

    async def open(self) -> "Bench":
        listening = socket.create_server(("127.0.0.1", 0))
        listening.setblocking(False)
        self.port: int = listening.getsockname()[1]
        ours, self.channel = socket.socketpair()
        ours.setblocking(False)
        self.listener = RecordingListener()
        self.connection = RuntimeConnection(self.listener, FACTS)
        self.connection.extensions.expect(["shipper"])
        await self.connection.open(ours, listening)
        return self

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, dict[str, str], Any]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        content = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Content-Length: {len(content)}"]
        lines += [f"Lambda-Extension-{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + content)
        status = int((await reader.readline()).split()[1])
        answered = {}
        while line := (await reader.readline()).strip():
            name, _, value = line.decode().partition(": ")
            answered[name.lower()] = value
        value = json.loads(await reader.readexactly(int(answered["content-length"])))
        writer.close()
        return status, answered, value

    async def register(self, *events: str) -> str:
        status, headers, _ = await self.ask("POST", f"{EXTENSION}/register", {"events": events}, Name="shipper")
        assert status == 200
        return headers["lambda-extension-identifier"]

    def next(self, identifier: str) -> "asyncio.Task[tuple[int, dict[str, str], Any]]":
        return asyncio.ensure_future(self.ask("GET", f"{EXTENSION}/event/next", Identifier=identifier))

    async def waits(self) -> None:
        await until(lambda: self.connection.extensions.all_ready)


def event(**changes: Any) -> Delivery:
    invocation = Invocation(**{"request_id": "r-1", "payload": b"{}", "invoked_arn": "arn:f", **changes})
    return Delivery(invocation=invocation, deadline_ms=1_700_000_000_000)


@on_loop
async def test_registering_tells_of_the_function_and_of_the_account_if_asked_for() -> None:
    bench = await Bench().open()
    facts = {"functionName": "f", "functionVersion": "7", "handler": "app.handler"}
    assert (await bench.ask("POST", f"{EXTENSION}/register", {"events": []}, Name="shipper"))[2] == facts
    wants = {"Name": "thread", "Accept_Feature": "accountId"}
    _, _, told = await bench.ask("POST", f"{EXTENSION}/register", {"events": []}, **wants)
    assert told == {**facts, "accountId": "000000000000"}


@on_loop
async def test_next_brings_invocations_and_the_end() -> None:
    bench = await Bench().open()
    identifier = await bench.register("INVOKE", "SHUTDOWN")
    asked = bench.next(identifier)
    await bench.waits()
    bench.connection.deliver(event(trace_id="Root=1"))
    status, headers, told = await asked
    assert (status, told) == (
        200,
        {
            "eventType": "INVOKE",
            "deadlineMs": 1_700_000_000_000,
            "requestId": "r-1",
            "invokedFunctionArn": "arn:f",
            "tracing": {"type": "X-Amzn-Trace-Id", "value": "Root=1"},
        },
    )
    assert headers["lambda-extension-event-identifier"]
    asked = bench.next(identifier)
    await bench.waits()
    bench.connection.announce_shutdown("timeout", 5)
    assert (await asked)[2] == {"eventType": "SHUTDOWN", "shutdownReason": "timeout", "deadlineMs": 5}


@on_loop
async def test_an_error_has_to_say_its_type() -> None:
    bench = await Bench().open()
    identifier = await bench.register()
    path = f"{EXTENSION}/init/error"
    assert (await bench.ask("POST", path, {}, Identifier=identifier))[2]["errorType"] == "Extension.MissingHeader"
    error = {"Identifier": identifier, "Function_Error_Type": "Shipper.NoKey"}
    assert (await bench.ask("POST", path, {}, **error))[::2] == (202, {"status": "OK"})
    assert bench.listener.of_extensions[-1] == ("failed", "shipper")


@on_loop
async def test_a_subscription_is_taken_during_the_init_only_and_by_one_api() -> None:
    bench = await Bench().open()
    identifier = await bench.register()
    assert (await bench.ask("PUT", "/2022-07-01/telemetry", TELEMETRY, Identifier=identifier))[::2] == (200, "OK")
    said, subscription = bench.listener.of_extensions[-1]
    assert (said, subscription.types) == ("subscribed", ("platform",))  # type: ignore[attr-defined]
    logs = {"types": ["platform"], "destination": TELEMETRY["destination"]}
    assert (await bench.ask("PUT", "/2020-08-15/logs", logs, Identifier=identifier))[0] == 403
    bench.connection.extensions.initialising = False
    status, _, told = await bench.ask("PUT", "/2022-07-01/telemetry", TELEMETRY, Identifier=identifier)
    assert (status, told["errorType"]) == (403, "Telemetry.SubscriptionClosed")


@on_loop
async def test_a_giant_request_is_refused_unread() -> None:
    bench = await Bench().open()
    status, _, told = await bench.ask("POST", f"{EXTENSION}/register", {"events": ["x" * 40_000]}, Name="shipper")
    assert (status, told["errorType"]) == (403, "InvalidRequestFormat")


class Subscriber:
    """Listens as an extension does, and answers as it was told to."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers or (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK",))
        self.requests: list[bytes] = []
        self.clock = FakeClock()

    async def listen(self) -> int:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self.server.sockets[0].getsockname()[1])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        self.requests.append(head + await reader.readexactly(length))
        writer.write(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])
        writer.close()

    def bodies(self) -> list[Any]:
        return [json.loads(request.partition(b"\r\n\r\n")[2]) for request in self.requests]

    async def stream(self, protocol: str = "HTTP", port: int | None = None, **changes: Any) -> TelemetryStream:
        destination = Destination(protocol=protocol, port=port or await self.listen(), path="/in")
        subscription = Subscription(api=Api.TELEMETRY, types=("platform",), destination=destination, **changes)
        return TelemetryStream(subscription, courier(subscription, socket_anywhere), self.clock)


async def socket_anywhere() -> socket.socket:
    return socket.socket()


@on_loop
async def test_events_are_sent_together_when_their_time_has_come() -> None:
    subscriber = Subscriber()
    stream = await subscriber.stream(timeout_ms=100)
    stream.add(b'{"n":1}')
    stream.add(b'{"n":2}')
    assert subscriber.requests == []
    subscriber.clock.advance(0.1)
    await until(lambda: subscriber.requests)
    head = subscriber.requests[0].decode()
    assert head.startswith("POST /in HTTP/1.1\r\nHost: sandbox.localdomain:")
    assert subscriber.bodies() == [[{"n": 1}, {"n": 2}]]
    stream.close()


@on_loop
async def test_a_full_batch_does_not_wait_for_its_time() -> None:
    subscriber = Subscriber()
    stream = await subscriber.stream(max_items=2)
    for _ in range(3):
        stream.add(b"{}")
    await stream.flushed()
    assert subscriber.bodies() == [[{}, {}], [{}]]
    stream.close()


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", b"", b"what?\r\n\r\n", b"HTTP/1.1 200 OK\r\n" * 9000]
)
def test_what_was_not_taken_is_sent_again(answer: bytes) -> None:
    @on_loop
    async def scenario() -> None:
        subscriber = Subscriber(answer, b"HTTP/1.0 200 OK\r\n\r\nno length")
        stream = await subscriber.stream()
        stream.add(b'{"n":1}')
        await stream.flushed()
        assert subscriber.bodies() == [[{"n": 1}]] * 2
        stream.close()

    scenario()


@on_loop
async def test_what_nobody_takes_is_dropped_and_told_of() -> None:
    subscriber = Subscriber()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    stream = await subscriber.stream(port=port)
    stream.add(b'{"n":1}')
    await stream.flushed()
    subscriber.server = await asyncio.start_server(subscriber._serve, "127.0.0.1", port)
    stream.add(b'{"n":2}')
    await stream.flushed()
    (dropped, event), *_ = subscriber.bodies()
    assert dropped["type"] == "platform.logsDropped"
    assert dropped["record"] == {"reason": DROPPED_REASON, "droppedRecords": 1, "droppedBytes": 7}
    assert event == {"n": 2}
    stream.close()


@on_loop
async def test_a_subscriber_that_does_not_keep_up_cannot_have_more_waiting_than_four_batches() -> None:
    subscriber = Subscriber()

    async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    server = await asyncio.start_server(hangs, "127.0.0.1", 0)
    stream = await subscriber.stream(port=server.sockets[0].getsockname()[1])
    for _ in range(2000):
        stream.add(b'"' + b"x" * 1022 + b'"')
    assert repr(stream) == "<TelemetryStream 1024 waiting, 976 dropped>"
    stream.close()
    server.close()


@on_loop
async def test_over_tcp_events_are_lines_of_one_connection() -> None:
    received: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            received.append(line)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    stream = await Subscriber().stream(protocol="TCP", port=server.sockets[0].getsockname()[1])
    for number in (b"1\n2", b"3"):
        stream.add(number.replace(b"\n", b","))
        await stream.flushed()
    await until(lambda: len(received) == 2)
    assert received == [b"1,2\n", b"3\n"]
    stream.close()
    server.close()
