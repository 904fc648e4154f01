"""What the tests of sandbox drivers share: a driver on a loop of its own, and a sandbox seen from the host's side."""

import asyncio
import json
import os
import shutil
import socket
import sys
from collections.abc import Coroutine, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from stoker.bootstrap import frames
from stoker.model.runtime import Runtime
from stoker.sandbox.driver import Sandbox, SandboxDriver
from stoker.sandbox.gvisor_driver import GvisorDriver
from stoker.sandbox.linux_driver import LinuxDriver
from stoker.sandbox.spec import SandboxSpec

T = TypeVar("T")
DRIVERS: Mapping[str, Any] = {"linux": LinuxDriver, "gvisor": GvisorDriver}
HANDLERS = Path(__file__).parent / "handlers"
PATIENCE_S = 90.0
PYTHON = Path(sys.executable).resolve()
PYTHON_RUNTIME = Runtime(
    name="python3", kind="python", executable=PYTHON, roots=(PYTHON.parents[1],) if "/usr/" not in str(PYTHON) else ()
)
PROVIDED_RUNTIME = Runtime(name="provided.al2023", kind="provided", executable=None)
RUNSC = shutil.which("runsc")
NODE = shutil.which("node")
NODE_RUNTIME = Runtime(name="nodejs", kind="node", executable=Path(NODE or "/nowhere"))


class Unserved:
    """Takes the endpoint's socket and serves nothing on it."""

    def close(self) -> None: ...


def serve_nothing(_endpoint: socket.socket) -> Unserved:
    return Unserved()


class House:
    """A driver, without blanks made ahead if not asked for, so that what runs is what a test started."""

    def __init__(self, name: str, data: Path, *, blanks: int = 0) -> None:
        self.name = name
        # A server of other tests', for one, whose sandboxes come and go.
        self._others = children_of(os.getpid())
        self._runner = asyncio.Runner()
        opening = DRIVERS[name].open(data, endpoint_port=4566, slots=0, blanks=blanks, serve_endpoint=serve_nothing)
        self.driver: SandboxDriver = self._runner.run(opening)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def start(self, spec: SandboxSpec) -> "Started":
        return Started(self, self.run(self.driver.start(spec)))

    def processes(self) -> set[int]:
        """The pids of its helpers and sandboxes; what it compiles meanwhile is waited for."""
        compilations = self.driver._compilations  # type: ignore[attr-defined]
        self.run(gathered(compilations.values() if isinstance(compilations, dict) else compilations))
        return {each for child in children_of(os.getpid()) - self._others for each in {child, *family(child)}}

    def close(self) -> None:
        self.run(self.driver.close())
        self._runner.close()


async def gathered(tasks: Iterable["asyncio.Task[None]"]) -> None:
    await asyncio.gather(*tasks)


class Started:
    """A sandbox whose function is spoken to over its channel."""

    def __init__(self, house: House, sandbox: Sandbox) -> None:
        self.house = house
        self.sandbox = sandbox
        self._received = b""
        sandbox.channel.setblocking(False)
        sandbox.runtime_api.setblocking(False)

    def receive(self, patience_s: float = PATIENCE_S) -> tuple[int, dict[str, Any], Any]:
        """The next frame's kind, meta and value; TimeoutError if none comes, EOFError when the channel is closed."""
        return self.house.run(asyncio.wait_for(self._receive(), patience_s))

    async def _receive(self) -> tuple[int, dict[str, Any], Any]:
        while True:
            if len(self._received) >= frames.HEADER.size:
                head, length, kind = frames.HEADER.unpack_from(self._received)
                start, end = frames.HEADER.size + head, frames.HEADER.size + head + length
                if len(self._received) >= end:
                    meta, body = self._received[frames.HEADER.size : start], self._received[start:end]
                    self._received = self._received[end:]
                    if kind == frames.IMPORT:
                        continue
                    return kind, json.loads(meta or b"{}"), json.loads(body or b"null")
            data = await asyncio.get_running_loop().sock_recv(self.sandbox.channel, 65536)
            if not data:
                raise EOFError
            self._received += data

    def send(self, do: str, *arguments: Any) -> None:
        event = json.dumps({"do": do, "with": arguments}).encode()
        meta: dict[str, object] = {"id": "1", "deadline_ms": 4_102_444_800_000, "arn": "arn:aws:lambda:x:0:function:f"}
        frame = frames.encode(frames.EVENT, meta, event)
        self.house.run(asyncio.wait_for(self._send(frame), PATIENCE_S))

    async def _send(self, frame: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.sandbox.channel, frame)

    def ask(self, do: str, *arguments: Any) -> Any:
        """What the probe's function answers."""
        self.send(do, *arguments)
        kind, _, value = self.receive()
        assert kind == frames.RESPONSE, value
        return value

    def output(self) -> str:
        """What there is in the pipe of stdout and stderr; waits for something to be there."""
        return self.house.run(asyncio.wait_for(self._output(), PATIENCE_S))

    async def _output(self) -> str:
        readable, loop = asyncio.Event(), asyncio.get_running_loop()
        loop.add_reader(self.sandbox.output, readable.set)
        try:
            await readable.wait()
        finally:
            loop.remove_reader(self.sandbox.output)
        return os.read(self.sandbox.output, 65536).decode(errors="replace")

    def exit_status(self) -> Any:
        return self.house.run(asyncio.wait_for(asyncio.shield(self.sandbox.exited), PATIENCE_S))

    def accept(self) -> socket.socket:
        """The next connection to 127.0.0.1:9001 from inside."""
        accepting = asyncio.wait_for(self._accept(), PATIENCE_S)
        return self.house.run(accepting)

    async def _accept(self) -> socket.socket:
        connection, _ = await asyncio.get_running_loop().sock_accept(self.sandbox.runtime_api)
        connection.settimeout(PATIENCE_S)
        return connection

    def close(self) -> None:
        self.house.run(self.sandbox.close())
        self.sandbox.channel.close()
        os.close(self.sandbox.output)


def spec(task_root: Path, runtime: Runtime = PYTHON_RUNTIME, **changes: Any) -> SandboxSpec:
    environment = {
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",
        "AWS_LAMBDA_FUNCTION_NAME": "f",
        "LAMBDA_TASK_ROOT": "/var/task",
        "PATH": "/usr/bin:/bin",
        "_HANDLER": "probe.handler",
        "GREETING": "grüß dich",
        "PYTHONPATH": "/var/runtime",
    }
    values: dict[str, Any] = {
        "runtime": runtime,
        "handler": "probe.handler",
        "task_root": task_root,
        "layers_root": None,
        "environment": environment,
        "memory_mb": 256,
        "ephemeral_mb": 512,
        "cpus": 1.0,
    }
    return SandboxSpec(**{**values, **changes})


def children_of(pid: int) -> set[int]:
    return set(_children().get(pid, ()))


def family(pid: int) -> set[int]:
    """The pids of a process's descendants, whatever namespaces they are in."""
    children = _children()
    found, rest = set(), [pid]
    while rest:
        below = children.get(rest.pop(), [])
        found.update(below)
        rest.extend(below)
    return found


def _children() -> dict[int, list[int]]:
    """The children of every process of the machine."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            children.setdefault(parent, []).append(int(entry.name))
    return children
