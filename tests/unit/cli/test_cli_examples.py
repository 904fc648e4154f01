"""The examples' own runtimes, held against a Runtime API of a few lines; and that every example can be deployed."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue

import pytest

from stoker.cli.deploy import complete
from stoker.cli.function_file import read_function_file
from stoker.cli.source import read_source
from stoker.model.runtime import Runtime

EXAMPLES = Path(__file__).parents[3] / "examples"
RUNTIMES = [
    Runtime(name="python3.13", kind="python", executable=Path("/usr/bin/python3")),
    Runtime(name="nodejs20.x", kind="node", executable=Path("/usr/bin/node")),
    Runtime(name="provided.al2023", kind="provided", executable=None),
]
EVENTS = ['{"name": "Ada"}', '{"name": "Żółw 🐢"}', '{"long": "' + "x" * 100_000 + '"}']


class RuntimeApi(ThreadingHTTPServer):
    """Hands out `events` one by one and keeps what comes back; with none left it says nothing more."""

    daemon_threads = True

    def __init__(self, events: list[str]) -> None:
        super().__init__(("127.0.0.1", 0), RuntimeApiRequest)
        self.events = iter(list(enumerate(events)))
        self.answers: Queue[tuple[str, str]] = Queue()
        self.over = threading.Event()


class RuntimeApiRequest(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: RuntimeApi

    def do_GET(self) -> None:
        number, event = next(self.server.events, (None, ""))
        if number is None:
            self.server.over.wait(60)
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", f"request-{number}")
        self.finish_with(event.encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.answers.put((self.path, body.decode()))
        self.send_response(202)
        self.finish_with(b"")

    def finish_with(self, body: bytes) -> None:
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def running(program: Path, events: list[str]) -> Iterator[RuntimeApi]:
    api = RuntimeApi(events)
    threading.Thread(target=api.serve_forever, daemon=True).start()
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api.server_port}",
        "LANG": "C.UTF-8",
    }
    process = subprocess.Popen([program], env=environment, stdout=subprocess.DEVNULL)
    try:
        yield api
    finally:
        process.kill()
        process.wait()
        api.over.set()
        api.shutdown()
        api.server_close()


def check_echo(program: Path) -> None:
    with running(program, EVENTS) as api:
        for number, event in enumerate(EVENTS):
            path, body = api.answers.get(timeout=60)
            assert path == f"/2018-06-01/runtime/invocation/request-{number}/response"
            assert json.loads(body)["event"] == json.loads(event)


def test_the_shell_script_answers_every_event_to_its_own_request() -> None:
    check_echo(EXAMPLES / "hello-bootstrap" / "bootstrap")


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler on this machine")
def test_the_c_program_answers_every_event_to_its_own_request(tmp_path: Path) -> None:
    build = next(
        line.split() for line in (EXAMPLES / "hello-c/README.md").read_text().splitlines() if "    cc " in line
    )
    build[build.index("-o") + 1 :] = [str(tmp_path / "bootstrap"), str(EXAMPLES / "hello-c" / "bootstrap.c")]
    subprocess.run([*build, "-Werror"], check=True)
    check_echo(tmp_path / "bootstrap")


@pytest.mark.parametrize(
    ("name", "runtime", "handler"),
    [
        ("hello-python", "python3.13", "app.handler"),
        ("hello-node", "nodejs20.x", "index.handler"),
        ("hello-bootstrap", "provided.al2023", "bootstrap"),
        ("thumbnail", "python3.13", "app.handler"),
    ],
)
def test_an_example_is_deployed_as_it_is(name: str, runtime: str, handler: str) -> None:
    source = read_source(EXAMPLES / name)
    settings = complete(read_function_file(source.folder), source, RUNTIMES)
    assert (settings.name, settings.runtime, settings.handler) == (name, runtime, handler)


def test_the_photograph_fits_into_an_event() -> None:
    # 6 MB is the quota of a synchronous event; base64 takes four bytes for three.
    assert (EXAMPLES / "thumbnail" / "photo.jpg").stat().st_size * 4 / 3 < 6_291_456
