"""What Stoker is measured against: others that run functions, and a bare uvicorn that only calls the handler."""

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from installed import from_npm, from_pypi
from load import Endpoint, http_post, once
from stoker_target import PAYLOAD, REGION, ROLE, zipped
from target import Server, TargetError, free_port

HERE = Path(__file__).parent
HELLO = HERE / "functions" / "hello.py"
HELLO_WORKER = HERE / "functions" / "hello_worker.js"
# What is measured must not change with the day.
SERVERLESS_OFFLINE = "14.8.2"
OSLS = "4.3.1"
MINISTACK = "1.5.33"
WORKERD = "1.20261117.1"

SERVERLESS_YML = """\
service: bench
provider: {{name: aws, runtime: python3.11, region: us-east-1}}
functions:
{functions}
plugins: [serverless-offline]
custom:
  serverless-offline: {{lambdaPort: {ports[0]}, httpPort: {ports[1]}, websocketPort: {ports[2]}, albPort: {ports[3]}}}
"""
WORKERD_CONFIG = """\
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .hello)],
  sockets = [(name = "http", address = "127.0.0.1:{port}", http = (), service = "main")],
);
const hello :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "{source}")],
  compatibilityDate = "2026-01-01",
);
"""


class Peer(Protocol):
    """A server that runs the same hello handler."""

    name: str
    server: Server

    def start(self) -> Endpoint:
        """Install what is missing and run it, with its hello function. Raises TargetError."""

    async def cold_ms(self) -> float | None:
        """Milliseconds to the answer of something that did not run yet; None where there is no such thing.

        Raises LoadError, TargetError.
        """

    def close(self) -> None: ...


class ServerlessOffline:
    """The npm package `serverless-offline` under `osls`, the Serverless Framework's open successor.

    Its Python runner is a process per concurrent request that reads events from its stdin: no sandbox, no limits,
    no signature. It runs whatever `python3` is first in PATH, here the interpreter that Stoker's functions run on.
    """

    name = "serverless-offline"

    def __init__(self, interpreter: Path, cold: int) -> None:
        """`cold` functions are there to be called for the first time."""
        self.interpreter = interpreter
        self.server = Server(self.name)
        self._names = [f"cold-{number}" for number in range(cold)]

    def start(self) -> Endpoint:
        installed = from_npm(f"serverless-offline@{SERVERLESS_OFFLINE}", f"serverless@npm:osls@{OSLS}")
        ports = [free_port() for _ in range(4)]
        self._port = ports[0]
        directory = self.server.directory
        (directory / "node_modules").symlink_to(installed / "node_modules")
        functions = "\n".join(
            f"  {name}: {{name: {name}, handler: hello.handler, timeout: 60}}" for name in ("hello", *self._names)
        )
        (directory / "serverless.yml").write_text(SERVERLESS_YML.format(functions=functions, ports=ports))
        shutil.copy(HELLO, directory / "hello.py")
        self.server.start(
            [str(installed / "node_modules" / ".bin" / "serverless"), "offline", "start"],
            {
                "PATH": f"{self.interpreter.parent}:{os.environ['PATH']}",
                "VIRTUAL_ENV": "",
                "SLS_TELEMETRY_DISABLED": "1",
                "SLS_NOTIFICATIONS_MODE": "off",
            },
            f"http://127.0.0.1:{self._port}/",
        )
        return _invoke(self._port, "hello")

    async def cold_ms(self) -> float:
        return (await once(_invoke(self._port, self._names.pop()))).seconds * 1e3

    def close(self) -> None:
        self.server.close()


class Ministack:
    """PyPI's `ministack`, an emulator of AWS, as `pip install` gives it.

    Without Docker its "local" executor runs a function in a process of its own, one for each call at a time, kept
    for the next: without a sandbox or limits. Signatures are not checked.
    """

    name = "ministack"

    def __init__(self, interpreter: Path, cold: int) -> None:
        """`cold` functions are deployed to be called for the first time."""
        self.interpreter = interpreter
        self.server = Server(self.name)
        self._names = [f"cold-{number}" for number in range(cold)]

    def start(self) -> Endpoint:
        installed = from_pypi(f"ministack=={MINISTACK}")
        self._port = free_port()
        self.server.start(
            [str(self.interpreter), "-m", "ministack"],
            {
                "PYTHONPATH": str(installed),
                "BIND_HOST": "127.0.0.1",
                "GATEWAY_PORT": str(self._port),
                "LOG_LEVEL": "WARNING",
                # It unpacks functions there, and would leave them behind.
                "TMPDIR": str(self.server.directory),
            },
            f"http://127.0.0.1:{self._port}/_ministack/health",
        )
        self._client = boto3.client(
            "lambda",
            region_name=REGION,
            endpoint_url=f"http://127.0.0.1:{self._port}",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )
        code = {"ZipFile": zipped("hello.py", HELLO.read_text())}
        try:
            for name in ("hello", *self._names):
                self._client.create_function(
                    FunctionName=name,
                    Runtime="python{}.{}".format(*sys.version_info[:2]),
                    Role=ROLE,
                    Handler="hello.handler",
                    Code=code,
                    Timeout=60,
                )
        except (BotoCoreError, ClientError) as error:
            raise TargetError(f"{self.name} made no function: {error}") from error
        return _invoke(self._port, "hello")

    async def cold_ms(self) -> float:
        name = self._names.pop()
        taken = (await once(_invoke(self._port, name))).seconds * 1e3
        # Or its process would stay while others are measured.
        await asyncio.to_thread(self._client.delete_function, FunctionName=name)
        return taken

    def close(self) -> None:
        self.server.close()


class Workerd:
    """npm's `workerd`, which runs Cloudflare's workers: JavaScript in an isolate of the one process, over HTTP.

    All of its workers are there once it has started, so that its cold start is that of the whole.
    """

    name = "workerd, JavaScript"

    def __init__(self) -> None:
        self.server = Server("workerd")

    def start(self) -> Endpoint:
        installed = from_npm(f"workerd@{WORKERD}")
        binaries = list(installed.glob("node_modules/@cloudflare/workerd-*/bin/workerd"))
        if not binaries:
            raise TargetError("workerd has no build for this machine")
        self._binary = binaries[0]
        self._port = free_port()
        self.server.start(self._command(self._port), {}, f"http://127.0.0.1:{self._port}/")
        return _post(self._port, "/")

    async def cold_ms(self) -> float:
        """With the start of its process; looking for its socket costs up to a millisecond."""
        port = free_port()
        command = self._command(port)
        began = time.perf_counter()
        process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
        try:
            while True:
                with suppress(ConnectionRefusedError):
                    await once(_post(port, "/"))
                    return (time.perf_counter() - began) * 1e3
                if process.returncode is not None:
                    raise TargetError(f"{self.name} ended with {process.returncode}")
                await asyncio.sleep(0.001)
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _command(self, port: int) -> Sequence[str]:
        shutil.copy(HELLO_WORKER, self.server.directory)
        config = self.server.directory / f"{port}.capnp"
        config.write_text(WORKERD_CONFIG.format(port=port, source=HELLO_WORKER.name))
        return [str(self._binary), "serve", str(config)]

    def close(self) -> None:
        self.server.close()


class BareUvicorn:
    """The floor: the server Stoker uses, calling the handler in its own process."""

    name = "bare uvicorn"

    def __init__(self) -> None:
        self.server = Server("bare-uvicorn")

    def start(self) -> Endpoint:
        port = free_port()
        command = [sys.executable, "-m", "uvicorn", "--app-dir", str(HERE), "--port", str(port)]
        options = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
        self.server.start([*command, *options, "bare_app:app"], {}, f"http://127.0.0.1:{port}/")
        return _post(port, "/")

    async def cold_ms(self) -> None:
        """Its handler is imported with it."""

    def close(self) -> None:
        self.server.close()


def _invoke(port: int, name: str) -> Endpoint:
    return _post(port, f"/2015-03-31/functions/{name}/invocations")


def _post(port: int, path: str) -> Endpoint:
    """Unsigned: none of them would look at it."""
    headers = {"Host": f"127.0.0.1:{port}", "Content-Type": "application/json"}
    return Endpoint(port=port, request=http_post(path, PAYLOAD, headers))
