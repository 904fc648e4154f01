"""What one warm invocation costs between the invoker and the function's process, in CPU of Stoker's own process.

Run it: `PYTHONPATH=tests:src python tests/performance/bench_invocation_path.py [INVOCATIONS]`. All of it is real but
the sandbox (an echo process at the other end of a socket pair) and telemetry (which takes what it is given and does
nothing). No figure is asserted, for it depends on the machine. The budget for this part of the path is 40 µs.
"""

import asyncio
import json
import math
import os
import resource
import socket
import sys
import time
from typing import Any

import uvloop

from fakes.registry import RUNTIMES, FakeRegistry, mint
from stoker.bootstrap.frames import HEADER, NEXT, RESPONSE, encode
from stoker.environments.fleet import Fleet
from stoker.functions.reservations import Reservations
from stoker.invocations.invoker import Invoker
from stoker.model.clock import SystemClock
from stoker.model.invocation import InvokeRequest
from stoker.sandbox.driver import ExitStatus, Usage

REQUEST = InvokeRequest(region="us-east-1", function="hello", qualifier=None, payload=b'{"name": "x"}')


def echo(channel: socket.socket) -> None:
    """The function's process: as little as possible."""
    channel.send(encode(NEXT))
    while data := channel.recv(65536):
        body_at = HEADER.size + HEADER.unpack_from(data)[0]
        request_id = json.loads(data[HEADER.size : body_at])["id"]
        channel.send(encode(RESPONSE, {"id": request_id}, data[body_at:]))


class EchoSandbox:
    """A forked echo process in no sandbox at all."""

    def __init__(self) -> None:
        self.channel, peer = socket.socketpair()
        self.output, stdout = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            os.close(self.output)
            self.channel.close()
            echo(peer)
            os._exit(0)
        peer.close()
        self.stdout = stdout
        self.channel.setblocking(False)
        os.set_blocking(self.output, False)
        self.runtime_api = socket.create_server(("127.0.0.1", 0))
        self.id = str(self.pid)
        self.exited: asyncio.Future[ExitStatus] = asyncio.get_running_loop().create_future()
        self.extensions: dict[str, Any] = {}
        self.extension_output = None

    def freeze(self) -> None: ...

    def thaw(self) -> None: ...

    def terminate(self) -> None: ...

    def usage(self) -> Usage:
        return Usage(max_memory_bytes=8 << 20)

    async def close(self) -> None:
        await asyncio.to_thread(os.waitpid, self.pid, 0)


class EchoDriver:
    name = "echo"

    async def start(self, spec: object) -> EchoSandbox:
        return EchoSandbox()

    async def close(self) -> None: ...


async def echo_driver(function: object) -> Any:
    return EchoDriver()


class NoTelemetry:
    def append(self, stream: object, events: object, ledger: object = None) -> None: ...


def an_invoker() -> tuple[Invoker, Fleet]:
    registry: Any = FakeRegistry()
    telemetry: Any = NoTelemetry()
    fleet = Fleet(
        registry=registry,
        runtimes=RUNTIMES,
        driver_for=echo_driver,
        telemetry=telemetry,
        clock=SystemClock(),
        mint=mint,
        endpoint_url="http://127.0.0.1:4566",
        reservations=Reservations(1_000_000),
        spare_mb=lambda: math.inf,
        keep_warm_s=600,
    )
    return Invoker(registry=registry, fleet=fleet, clock=SystemClock()), fleet


async def measure(invocations: int, clients: int) -> None:
    invoker, fleet = an_invoker()

    async def client(count: int) -> None:
        for _ in range(count):
            result = await invoker.invoke(REQUEST)
            assert result.payload == REQUEST.payload

    await asyncio.gather(*(client(20) for _ in range(clients)))
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    await asyncio.gather(*(client(invocations // clients) for _ in range(clients)))
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
    microseconds = [round(seconds / invocations * 1e6, 1) for seconds in (user + system, user, system, wall)]
    print("{} client(s): {} µs CPU (user {}, system {}), {} µs wall".format(clients, *microseconds))
    await fleet.close()


if __name__ == "__main__":
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    for concurrent in (1, 8, 32):
        uvloop.run(measure(total, concurrent))
