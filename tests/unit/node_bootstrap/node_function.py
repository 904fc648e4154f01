"""A function's Node process with the test as its platform, over either transport.

`FramePlatform` plays Stoker's side of the channel, `HttpPlatform` a Runtime API; `NodeFunction` is the process that
talks to one of them.
"""

import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

import stoker.bootstrap
from stoker.bootstrap import frames

INDEX = Path(stoker.bootstrap.__file__).parent / "node" / "index.cjs"
NODE = shutil.which("node") or "node"
PATIENCE_S = 90.0
ARN = "arn:aws:lambda:us-east-1:000000000000:function:hello"


@dataclass(frozen=True, kw_only=True)
class Event:
    """What the platform hands to the process."""

    payload: bytes = b"{}"
    id: str = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
    deadline_ms: int = field(default_factory=lambda: int(time.time() * 1000) + 3000)
    trace_id: str | None = None
    client_context: str | None = None
    cognito_identity: str | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What comes back: `kind` is `response`, `error` or `init_error`."""

    kind: str
    body: bytes
    id: str | None = None
    error_type: str | None = None

    @property
    def json(self) -> Any:
        return json.loads(self.body)


ANSWER_KINDS = {frames.RESPONSE: "response", frames.ERROR: "error", frames.INIT_ERROR: "init_error"}


class Platform(Protocol):
    """The other end of a transport. Nothing may be called after `close`."""

    def environment(self) -> Mapping[str, str]: ...

    def inherited(self) -> tuple[int, ...]: ...

    def command(self, program: list[str]) -> list[str]: ...

    def wait_ready(self) -> None:
        """Until the process has asked for its first event."""

    def deliver(self, event: Event) -> None: ...

    def answer(self) -> Answer: ...

    def close(self) -> None: ...


class FramePlatform:
    """Stoker's side of the channel."""

    def __init__(self) -> None:
        self.channel, self._theirs = socket.socketpair()
        self._descriptor = self._theirs.fileno()
        self.channel.settimeout(PATIENCE_S)

    def environment(self) -> Mapping[str, str]:
        return {"STOKER_CHANNEL_FD": "3"}

    def inherited(self) -> tuple[int, ...]:
        return (self._descriptor,)

    def command(self, program: list[str]) -> list[str]:
        # At 3, as in a sandbox: Node keeps what it inherits from its children only up to the first gap in the numbers.
        move = f"3<&{self._descriptor} {self._descriptor}<&-" if self._descriptor != 3 else ""
        return ["bash", "-c", f'exec "$@" {move}', "bash", *program]

    def wait_ready(self) -> None:
        self._theirs.close()
        kind, _, _ = self._receive()
        assert kind == frames.NEXT

    def deliver(self, event: Event) -> None:
        meta: dict[str, object] = {"id": event.id, "deadline_ms": event.deadline_ms, "arn": ARN}
        optional = {
            "trace_id": event.trace_id,
            "client_context": event.client_context,
            "cognito_identity": event.cognito_identity,
        }
        meta.update({name: value for name, value in optional.items() if value is not None})
        self.channel.sendall(frames.encode(frames.EVENT, meta, event.payload))

    def answer(self) -> Answer:
        kind, meta, body = self._receive()
        return Answer(kind=ANSWER_KINDS[kind], body=body, id=meta.get("id"), error_type=meta.get("type"))

    def close(self) -> None:
        self._theirs.close()
        self.channel.close()

    def _receive(self) -> tuple[int, dict[str, Any], bytes]:
        """The next frame but the one that only those hear of who watch."""
        head, body, kind = frames.HEADER.unpack(self._exactly(frames.HEADER.size))
        frame = kind, json.loads(self._exactly(head) or b"{}"), self._exactly(body)
        return self._receive() if kind == frames.IMPORT else frame

    def _exactly(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            piece = self.channel.recv(count - len(data))
            assert piece, f"the process closed its channel after {bytes(data)!r}"
            data += piece
        return bytes(data)


class _RuntimeApiServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A function's process that is killed takes its connection with it; anything else is told."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class HttpPlatform:
    """A Runtime API on loopback."""

    def __init__(self) -> None:
        self.events: queue.Queue[Event | None] = queue.Queue()
        self.answers: queue.Queue[Answer] = queue.Queue()
        self.asked = threading.Event()
        platform = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                assert self.path == "/2018-06-01/runtime/invocation/next"
                platform.asked.set()
                event = platform.events.get()
                if event is not None:
                    self._reply(200, event.payload, platform.headers(event))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                error_type = self.headers.get("Lambda-Runtime-Function-Error-Type")
                *_, id, kind = self.path.split("/")
                if id == "init":
                    platform.answers.put(Answer(kind="init_error", body=body, error_type=error_type))
                else:
                    platform.answers.put(Answer(kind=kind, body=body, id=id, error_type=error_type))
                self._reply(202, b"", {})

            def _reply(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """The test's own output stays clean."""

        self.server = _RuntimeApiServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    @staticmethod
    def headers(event: Event) -> Mapping[str, str]:
        headers = {
            "Aws-Request-Id": event.id,
            "Deadline-Ms": str(event.deadline_ms),
            "Invoked-Function-Arn": ARN,
            "Trace-Id": event.trace_id,
            "Client-Context": event.client_context,
            "Cognito-Identity": event.cognito_identity,
        }
        return {f"Lambda-Runtime-{name}": value for name, value in headers.items() if value is not None}

    def environment(self) -> Mapping[str, str]:
        return {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.server.server_port}"}

    def inherited(self) -> tuple[int, ...]:
        return ()

    def command(self, program: list[str]) -> list[str]:
        return program

    def wait_ready(self) -> None:
        assert self.asked.wait(PATIENCE_S)

    def deliver(self, event: Event) -> None:
        self.events.put(event)

    def answer(self) -> Answer:
        return self.answers.get(timeout=PATIENCE_S)

    def close(self) -> None:
        self.events.put(None)
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class NodeFunction:
    """A function made of `files`, running; its stdout and stderr are one pipe, as in a sandbox."""

    def __init__(
        self, platform: Platform, root: Path, handler: str, files: Mapping[str, str], environment: Mapping[str, str]
    ) -> None:
        self.platform = platform
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.process = subprocess.Popen(
            platform.command([NODE, str(INDEX)]),
            cwd=root,
            env={
                "PATH": os.environ["PATH"],
                "_HANDLER": handler,
                "LAMBDA_TASK_ROOT": str(root),
                "AWS_LAMBDA_FUNCTION_NAME": "hello",
                "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
                "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/hello",
                "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[$LATEST]0123456789abcdef",
                **platform.environment(),
                **environment,
            },
            pass_fds=platform.inherited(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._output = bytearray()
        self._drain = threading.Thread(target=self._read_output)
        self._drain.start()

    def invoke(self, payload: object = None, **event: Any) -> Answer:
        """One invocation of a process that is ready for it."""
        self.platform.deliver(Event(payload=json.dumps(payload).encode(), **event))
        return self.platform.answer()

    def exit_code(self) -> int:
        """Once it has ended by itself."""
        return self.process.wait(PATIENCE_S)

    def log(self) -> list[str]:
        """Every line it wrote; ends the process."""
        self.stop()
        return self._output.decode().split("\n")[:-1]

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._drain.join()

    def _read_output(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as pipe:
            while piece := pipe.read1():  # type: ignore[attr-defined]
                self._output += piece


Load = Callable[..., NodeFunction]
