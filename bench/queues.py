"""SQS: durable sends, receive-delete cycles, a receive with many waiting, and the way from an idle queue to a handler.

A client of AWS's would cost more than what it measures, so requests are signed here and sent on kept connections.
"""

import asyncio
import hashlib
import hmac
import json
import sqlite3
import time
import uuid
from dataclasses import dataclass
from typing import Any, cast

from load import Endpoint, LoadError, http_post, measure
from scale import Scale
from stoker_target import REGION, Stoker
from target import TargetError

CLIENTS = 8
FEW_WAITING = 100
BODY = "x" * 100
# Longer than any request takes.
PATIENCE_S = 60.0
TELLS_WHEN = """
import json, time
def handler(event, context):
    for record in event["Records"]:
        print("ENTERED", json.dumps([record["body"], time.time()]))
"""


@dataclass(frozen=True, kw_only=True)
class QueueFigures:
    """By rounds: sends and cycles a second, ms of a receive with few and with many waiting, and ms to the handler."""

    sends: list[float]
    cycles: list[float]
    few_ms: list[float]
    many_ms: list[float]
    first_ms: list[float]


class Signer:
    """SigV4 of SQS's JSON requests, with the day's key made once."""

    def __init__(self, stoker: Stoker) -> None:
        self._port = stoker.port
        self._key_id, secret = stoker.keys
        self._moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        self._scope = f"{self._moment[:8]}/{REGION}/sqs/aws4_request"
        key = f"AWS4{secret}".encode()
        for part in self._scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        self._key = key

    def request(self, operation: str, **members: object) -> bytes:
        """The bytes of a request, signed as of when this was made: good for some minutes."""
        body = json.dumps(members).encode()
        host, target = f"127.0.0.1:{self._port}", f"AmazonSQS.{operation}"
        canonical = (
            f"POST\n/\n\nhost:{host}\nx-amz-date:{self._moment}\nx-amz-target:{target}\n\n"
            f"host;x-amz-date;x-amz-target\n{hashlib.sha256(body).hexdigest()}"
        )
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{self._moment}\n{self._scope}\n{digest}"
        signature = hmac.digest(self._key, text.encode(), "sha256").hex()
        headers = {
            "Host": host,
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Date": self._moment,
            "X-Amz-Target": target,
            "Authorization": f"AWS4-HMAC-SHA256 Credential={self._key_id}/{self._scope}, "
            f"SignedHeaders=host;x-amz-date;x-amz-target, Signature={signature}",
        }
        return http_post("/", body, headers)


class Client(asyncio.Protocol):
    """One connection; one request after another."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._pending = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._pending += data
        head_end = self._pending.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = self._pending[:head_end].lower()
        length = int(head[head.find(b"content-length:") + 15 :].split(b"\r\n", 1)[0])
        if len(self._pending) < head_end + 4 + length or self._answer.done():
            return
        if head.startswith(b"http/1.1 200"):
            self._answer.set_result(self._pending[head_end + 4 :])
        else:
            self._answer.set_exception(LoadError(self._pending.decode(errors="replace")))

    def connection_lost(self, error: Exception | None) -> None:
        if not self._answer.done():
            self._answer.set_exception(TargetError(f"connection closed by Stoker: {error}"))

    async def ask(self, request: bytes) -> Any:
        self._answer, self._pending = asyncio.get_running_loop().create_future(), b""
        self._transport.write(request)
        return json.loads(await self._answer or b"{}")

    def close(self) -> None:
        self._answer.cancel()
        self._transport.close()


async def connect(stoker: Stoker) -> Client:
    _, client = await asyncio.get_running_loop().create_connection(Client, "127.0.0.1", stoker.port)
    return client


async def measure_queues(stoker: Stoker, scale: Scale, runtime: str) -> QueueFigures:
    """Leaves queues and a function behind."""
    signer, client = Signer(stoker), await connect(stoker)
    url = await _queue(client, signer, "bench")
    send = Endpoint(port=stoker.port, request=signer.request("SendMessage", QueueUrl=url, MessageBody=BODY))
    sends, cycles = [], []
    for _ in range(scale.warm_rounds):
        sends.append((await measure(send, connections=CLIENTS, seconds=scale.throughput_s)).per_second)
        cycles.append(await _cycles(stoker, signer, url, scale.throughput_s))
    first = await _first(stoker, client, signer, runtime, 5 * scale.warm_rounds)
    client.close()
    few, many = await _with_many_waiting(stoker, scale)
    return QueueFigures(sends=sends, cycles=cycles, few_ms=few, many_ms=many, first_ms=first)


async def _queue(client: Client, signer: Signer, name: str) -> str:
    url: str = (await client.ask(signer.request("CreateQueue", QueueName=name)))["QueueUrl"]
    return url


async def _cycles(stoker: Stoker, signer: Signer, url: str, seconds: float) -> float:
    """Cycles a second of clients that each receive one message and delete it, as long as there are any."""
    clients = [await connect(stoker) for _ in range(CLIENTS)]
    receive = signer.request("ReceiveMessage", QueueUrl=url)
    began = time.perf_counter()

    async def work(client: Client) -> int:
        count = 0
        while time.perf_counter() - began < seconds:
            messages = (await client.ask(receive)).get("Messages")
            if not messages:
                break
            handle = messages[0]["ReceiptHandle"]
            await client.ask(signer.request("DeleteMessage", QueueUrl=url, ReceiptHandle=handle))
            count += 1
        return count

    counts = await asyncio.gather(*(work(client) for client in clients))
    elapsed = time.perf_counter() - began
    for client in clients:
        client.close()
    return sum(counts) / elapsed


async def _first(stoker: Stoker, client: Client, signer: Signer, runtime: str, count: int) -> list[float]:
    """Ms from the first byte of a SendMessage to an idle queue to the handler, which runs in a warm environment."""
    url = await _queue(client, signer, "bench-idle")
    stoker.deploy("bench-idle", TELLS_WHEN, runtime=runtime, suffix=".py")
    stoker.client("lambda").create_event_source_mapping(
        FunctionName="bench-idle", EventSourceArn=f"arn:aws:sqs:{REGION}:000000000000:bench-idle"
    )
    taken = []
    for _ in range(count + 1):
        name = uuid.uuid4().hex
        sent = time.time()
        await client.ask(signer.request("SendMessage", QueueUrl=url, MessageBody=name))
        taken.append((await _entered(stoker, name) - sent) * 1e3)
    # The first was a cold start.
    return taken[1:]


async def _entered(stoker: Stoker, name: str) -> float:
    logs = stoker.client("logs")
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            events = logs.filter_log_events(logGroupName="/aws/lambda/bench-idle", filterPattern=f'"{name}"')["events"]
        except logs.exceptions.ResourceNotFoundException:
            events = []
        if events:
            return float(json.loads(events[0]["message"].partition(" ")[2])[1])
        await asyncio.sleep(0.05)
    raise TargetError("a message in an idle queue did not reach its function")


async def _with_many_waiting(stoker: Stoker, scale: Scale) -> tuple[list[float], list[float]]:
    """Ms of a receive, in turns from a queue with few messages and one with many, put there behind Stoker's back."""
    client, signer = await connect(stoker), Signer(stoker)
    urls = [await _queue(client, signer, name) for name in ("bench-few", "bench-many")]
    client.close()
    stoker.stop()
    await asyncio.to_thread(
        _fill, str(stoker.data / "stoker.db"), {"bench-few": FEW_WAITING, "bench-many": scale.many_waiting}
    )
    stoker.start()
    client, signer = await connect(stoker), Signer(stoker)
    taken: list[list[float]] = [[], []]
    for _ in range(10 * scale.warm_rounds):
        for url, mine in zip(urls, taken, strict=True):
            began = time.perf_counter()
            answer = await client.ask(signer.request("ReceiveMessage", QueueUrl=url, VisibilityTimeout=0))
            mine.append((time.perf_counter() - began) * 1e3)
            if not answer.get("Messages"):
                raise TargetError(f"nothing was received: {answer}")
    client.close()
    return taken[0], taken[1]


def _fill(path: str, counts: dict[str, int]) -> None:
    with sqlite3.connect(path) as store:
        content = _content(store)
        (last,) = store.execute("SELECT max(id) FROM queue_messages").fetchone()
        following = (last or 0) + 1
        for name, count in counts.items():
            (generation,) = store.execute("SELECT generation FROM queues WHERE name = ?", (name,)).fetchone()
            numbers = range(following, following + count)
            following += count
            now = time.time()
            store.executemany(
                "INSERT INTO queue_messages VALUES (?, ?, ?, ?, 0, 0, NULL, NULL, NULL, NULL)",
                ((number, generation, now, now) for number in numbers),
            )
            store.executemany("INSERT INTO queue_contents VALUES (?, ?)", ((number, content) for number in numbers))


def _content(store: sqlite3.Connection) -> bytes:
    """What a message that was sent looks like: one is left from the sends."""
    content: bytes = store.execute("SELECT content FROM queue_contents LIMIT 1").fetchone()[0]
    return content
