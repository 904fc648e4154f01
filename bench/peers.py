"""What Stoker is measured against: serverless-offline, and a bare uvicorn that does nothing but call the handler."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Protocol

from load import Endpoint, http_post
from stoker_target import PAYLOAD
from target import Server, TargetError, free_port

HERE = Path(__file__).parent
HELLO = HERE / "functions" / "hello.py"
SERVERLESS_OFFLINE = "14.8.2"
OSLS = "4.3.1"
NPM_PATIENCE_S = 300

SERVERLESS_YML = """\
service: bench
provider: {{name: aws, runtime: python3.11, region: us-east-1}}
functions:
  hello: {{name: hello, handler: hello.handler, timeout: 60}}
plugins: [serverless-offline]
custom:
  serverless-offline: {{lambdaPort: {ports[0]}, httpPort: {ports[1]}, websocketPort: {ports[2]}, albPort: {ports[3]}}}
"""


class Peer(Protocol):
    """A server that runs the same hello handler."""

    server: Server

    def start(self) -> Endpoint:
        """Install what is missing and run it. Raises TargetError."""

    def close(self) -> None: ...


class ServerlessOffline:
    """The npm package `serverless-offline` under `osls`, the Serverless Framework's open successor.

    Its Python runner is a process per concurrent request that reads events from its stdin: no sandbox, no limits,
    no signature. It runs whatever `python3` is first in PATH, here the interpreter that Stoker's functions run on.
    """

    def __init__(self, interpreter: Path) -> None:
        self.interpreter = interpreter
        self.server = Server("serverless-offline")

    def start(self) -> Endpoint:
        installed = _npm_install(f"serverless-offline@{SERVERLESS_OFFLINE}", f"serverless@npm:osls@{OSLS}")
        ports = [free_port() for _ in range(4)]
        directory = self.server.directory
        (directory / "node_modules").symlink_to(installed / "node_modules")
        (directory / "serverless.yml").write_text(SERVERLESS_YML.format(ports=ports))
        shutil.copy(HELLO, directory / "hello.py")
        path = "/2015-03-31/functions/hello/invocations"
        self.server.start(
            [str(installed / "node_modules" / ".bin" / "serverless"), "offline", "start"],
            {
                "PATH": f"{self.interpreter.parent}:{os.environ['PATH']}",
                "VIRTUAL_ENV": "",
                "SLS_TELEMETRY_DISABLED": "1",
                "SLS_NOTIFICATIONS_MODE": "off",
            },
            f"http://127.0.0.1:{ports[0]}/",
        )
        return _unsigned(ports[0], path)

    def close(self) -> None:
        self.server.close()


class BareUvicorn:
    """The floor: the server Stoker uses, calling the handler in its own process."""

    def __init__(self) -> None:
        self.server = Server("bare-uvicorn")

    def start(self) -> Endpoint:
        port = free_port()
        command = [sys.executable, "-m", "uvicorn", "--app-dir", str(HERE), "--port", str(port)]
        options = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
        self.server.start([*command, *options, "bare_app:app"], {}, f"http://127.0.0.1:{port}/")
        return _unsigned(port, "/")

    def close(self) -> None:
        self.server.close()


def _unsigned(port: int, path: str) -> Endpoint:
    headers = {"Host": f"127.0.0.1:{port}", "Content-Type": "application/json"}
    return Endpoint(port=port, request=http_post(path, PAYLOAD, headers))


def _npm_install(*packages: str) -> Path:
    """A directory with these packages, kept between runs. Raises TargetError."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "stoker-bench"
    directory = cache / "_".join(package.replace("/", "-").replace(":", "-") for package in packages)
    if (directory / "installed").exists():
        return directory
    npm = shutil.which("npm")
    if npm is None:
        raise TargetError("npm is not installed")
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "package.json").write_text('{"private": true}')
    # Install scripts only fetch optional binaries, which these packages run without.
    command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", *packages]
    try:
        ended = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=NPM_PATIENCE_S)
    except subprocess.TimeoutExpired as error:
        raise TargetError(f"npm install took longer than {NPM_PATIENCE_S} s") from error
    if ended.returncode != 0:
        raise TargetError(f"npm install failed: {ended.stderr[-500:]}")
    (directory / "installed").touch()
    return directory
