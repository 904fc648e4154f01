"""A sandbox without walls: real descriptors, and a coroutine of the test's that plays the process inside."""

import asyncio
import json
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from stoker.bootstrap.frames import ERROR, HEADER, INIT_ERROR, NEXT, RESPONSE, encode
from stoker.model.runtime import Runtime
from stoker.sandbox.driver import ExitStatus, NotLaunched, SandboxError, Usage
from stoker.sandbox.spec import ProgramStart, SandboxSpec

KILLED = ExitStatus(signal=9)


class FakeSandbox:
    def __init__(self, number: int, spec: SandboxSpec) -> None:
        self.id = f"fake-{number}"
        self.spec = spec
        self.channel, self._peer = socket.socketpair()
        self.channel.setblocking(False)
        self.output, self._stdout = os.pipe()
        os.set_blocking(self.output, False)
        self.runtime_api = socket.create_server(("127.0.0.1", 0))
        self.runtime_api.setblocking(False)
        self.port: int = self.runtime_api.getsockname()[1]
        self.exited: asyncio.Future[ExitStatus] = asyncio.get_running_loop().create_future()
        loop = asyncio.get_running_loop()
        self.extensions: dict[str, asyncio.Future[ExitStatus | NotLaunched]] = {
            name: loop.create_future() for name in spec.extensions
        }
        self.extension_output: int | None = None
        if spec.extensions:
            self.extension_output, self.extension_stdout = os.pipe()
            os.set_blocking(self.extension_output, False)
        self.process = FakeProcess(self, self._peer, self._stdout)
        self.calls: list[str] = []
        self.closed = False
        self.max_memory_bytes = 40 << 20
        self.worked_s: float | None = None
        self.broken: str | None = None

    def freeze(self) -> None:
        self._call("freeze")

    def thaw(self) -> None:
        self._call("thaw")

    def usage(self) -> Usage:
        if self.closed:
            raise SandboxError("closed")
        return Usage(max_memory_bytes=self.max_memory_bytes)

    def cpu_s(self) -> float | None:
        return self.worked_s

    async def socket_inside(self) -> socket.socket:
        return socket.socket()

    def terminate(self) -> None:
        self._call("terminate")

    async def close(self) -> None:
        if not self.closed:
            self._call("close")
            self.closed = True
            self.process.stop()
            self._peer.close()
            os.close(self._stdout)
            if self.extensions:
                os.close(self.extension_stdout)
            for ended in (self.exited, *self.extensions.values()):
                if not ended.done():
                    ended.set_result(KILLED)

    def _call(self, name: str) -> None:
        if self.closed:
            raise SandboxError("closed")
        self.calls.append(name)
        if self.broken == name:
            raise SandboxError(f"cannot {name}")


class FakeProcess:
    """What a script does inside a sandbox: print, speak frames, exit."""

    def __init__(self, sandbox: FakeSandbox, channel: socket.socket, stdout: int) -> None:
        channel.setblocking(False)
        self.sandbox = sandbox
        self.channel = channel
        self.stdout = stdout
        self.task: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._received = b""

    def play(self, script: "Script") -> None:
        self.task = self._loop.create_task(script(self))

    def stop(self) -> None:
        if self.task is not None:
            self.task.cancel()

    def print(self, text: str) -> None:
        os.write(self.stdout, text.encode())

    async def send(self, data: bytes) -> None:
        await self._loop.sock_sendall(self.channel, data)

    async def next(self) -> None:
        await self.send(encode(NEXT))

    async def event(self) -> tuple[dict[str, Any], bytes]:
        """The next EVENT's meta and payload; raises EOFError when the channel is closed."""
        return (await self.frame())[1:]

    async def frame(self) -> tuple[int, dict[str, Any], bytes]:
        """The next frame's kind, meta and body; raises EOFError when the channel is closed."""
        await self._fill(HEADER.size)
        head, length, kind = HEADER.unpack_from(self._received)
        await self._fill(HEADER.size + head + length)
        body_at = HEADER.size + head
        meta, body = (
            json.loads(self._received[HEADER.size : body_at] or "{}"),
            self._received[body_at : body_at + length],
        )
        self._received = self._received[body_at + length :]
        return kind, meta, body

    async def respond(self, request_id: str, body: bytes) -> None:
        await self.send(encode(RESPONSE, {"id": request_id}, body))

    async def raise_error(self, request_id: str, error_type: str, body: bytes) -> None:
        await self.send(encode(ERROR, {"id": request_id, "type": error_type}, body))

    async def fail_init(self, error_type: str, body: bytes) -> None:
        await self.send(encode(INIT_ERROR, {"type": error_type}, body))

    def exit(self, status: ExitStatus | None = None, *, child_stays: bool = False) -> None:
        """End; a child that stays keeps the channel and the pipe open."""
        if not child_stays:
            self.channel.shutdown(socket.SHUT_RDWR)
        self.sandbox.exited.set_result(status or ExitStatus(code=0))

    async def _fill(self, size: int) -> None:
        while len(self._received) < size:
            data = await self._loop.sock_recv(self.channel, 65536)
            if not data:
                raise EOFError
            self._received += data


Script = Callable[[FakeProcess], Awaitable[None]]


async def echo(process: FakeProcess) -> None:
    """Answer every event with itself."""
    await process.next()
    while True:
        meta, body = await process.event()
        await process.respond(meta["id"], body)


class FakeDriver:
    """Plays `scripts` in turn, the last one for every sandbox after it."""

    name = "fake"
    takes_snapshots = False

    def __init__(self, *scripts: Script) -> None:
        self.scripts = list(scripts or (echo,))
        self.sandboxes: list[FakeSandbox] = []
        self.gate: asyncio.Event | None = None
        self.error: Exception | None = None
        self.prepared: list[str] = []
        self.program: ProgramStart | None = None

    async def prepare(self, runtime: Runtime, program: ProgramStart | None = None) -> None:
        self.prepared.append(runtime.name)
        self.program = program

    async def start(self, spec: SandboxSpec) -> FakeSandbox:
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        sandbox = FakeSandbox(len(self.sandboxes), spec)
        script = self.scripts[min(len(self.sandboxes), len(self.scripts) - 1)]
        self.sandboxes.append(sandbox)
        sandbox.process.play(script)
        return sandbox

    def shed(self) -> bool:
        return False

    async def close(self) -> None:
        for sandbox in self.sandboxes:
            await sandbox.close()

    @property
    def live(self) -> list[FakeSandbox]:
        return [sandbox for sandbox in self.sandboxes if not sandbox.closed]
