"""The load generator: the same bytes over and over on kept connections, one request in flight on each.

Every target is measured with this one client, so that its own cost is small and the same for all. A signed request may
be replayed: SigV4 signatures are good for some minutes.
"""

import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

# Longer than any target's own time-out.
PATIENCE_S = 90.0
MAX_PLACES = 32


class LoadError(Exception):
    """A target answered something else than a 200 with a result, or closed a connection."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where a request goes, and its bytes; `others` are sent in turns with it."""

    port: int
    request: bytes
    others: Sequence[bytes] = ()


@dataclass(frozen=True, kw_only=True)
class Load:
    """What one run saw: each latency in nanoseconds, and the seconds that the run really took."""

    latencies_ns: list[int]
    seconds: float

    @property
    def per_second(self) -> float:
        return len(self.latencies_ns) / self.seconds


def http_post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """The bytes of a POST. `headers` has its Host."""
    return http_request("POST", path, body, headers)


def http_request(method: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """The bytes of a request. `headers` has its Host."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


class _Connection(asyncio.Protocol):
    """Sends the next request as soon as its answer is whole, until told to stop."""

    def __init__(self, requests: Iterator[bytes]) -> None:
        self._requests = requests
        self.latencies_ns: list[int] = []
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._deadline_ns = 0
        self._pending = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def run_until(self, deadline_ns: int) -> None:
        """Begin; the request in flight at the deadline (of `perf_counter_ns`) is the last, and there is always one."""
        self._deadline_ns = deadline_ns
        self._send()

    def data_received(self, data: bytes) -> None:
        self._pending += data
        try:
            if not _is_whole(self._pending):
                return
        except LoadError as error:
            self._end(error)
            return
        now = time.perf_counter_ns()
        self.latencies_ns.append(now - self._sent_ns)
        self._pending = b""
        if now < self._deadline_ns:
            self._send()
        else:
            self._end(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._end(LoadError(f"connection closed by the target: {error}"))

    def close(self) -> None:
        self._transport.close()

    def _send(self) -> None:
        self._sent_ns = time.perf_counter_ns()
        self._transport.write(next(self._requests))

    def _end(self, error: LoadError | None) -> None:
        if not self.ended.done():
            if error is None:
                self.ended.set_result(None)
            else:
                self.ended.set_exception(error)
            self._transport.close()


def _is_whole(answer: bytes) -> bool:
    head_end = answer.find(b"\r\n\r\n")
    if head_end < 0:
        return False
    head = answer[:head_end].lower()
    length = head.find(b"content-length:")
    if not head.startswith((b"http/1.1 200", b"http/1.1 202")) or b"x-amz-function-error" in head or length < 0:
        raise LoadError(answer.decode(errors="replace"))
    return len(answer) >= head_end + 4 + int(head[length + 15 :].split(b"\r\n", 1)[0])


async def measure(endpoint: Endpoint, *, connections: int, seconds: float) -> Load:
    """Keep `connections` busy for `seconds`. Raises LoadError."""
    return await _drive([endpoint] * connections, seconds)


async def once(*endpoints: Endpoint) -> Load:
    """One request to each, all at the same moment, on connections that are already there."""
    return await _drive(list(endpoints), 0.0)


async def _connect(endpoint: Endpoint, place: int) -> _Connection:
    loop = asyncio.get_running_loop()
    requests = [endpoint.request, *endpoint.others]
    # Each connection begins elsewhere, so that not all ask for the same.
    first = place * len(requests) // MAX_PLACES % len(requests)
    in_turns = itertools.cycle([*requests[first:], *requests[:first]])
    _, connection = await loop.create_connection(lambda: _Connection(in_turns), "127.0.0.1", endpoint.port)
    return connection


async def _drive(endpoints: list[Endpoint], seconds: float) -> Load:
    connections = [await _connect(endpoint, place) for place, endpoint in enumerate(endpoints)]
    begin = time.perf_counter_ns()
    for connection in connections:
        connection.run_until(begin + int(seconds * 1e9))
    try:
        await asyncio.wait_for(asyncio.gather(*(connection.ended for connection in connections)), seconds + PATIENCE_S)
    except TimeoutError as error:
        raise LoadError(f"no answer within {PATIENCE_S:g} s") from error
    finally:
        for connection in connections:
            connection.close()
    elapsed = (time.perf_counter_ns() - begin) / 1e9
    latencies = [latency for connection in connections for latency in connection.latencies_ns]
    return Load(latencies_ns=latencies, seconds=elapsed)
