"""A live Stoker for the tests that speak to it as its users do: `stoker up` in a process of its own."""

import contextlib
import os
import random
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from fakes import roles

STOKER = Path(sys.executable).with_name("stoker")
ACCESS_KEY = "AKIASTOKERTEST000001"
SECRET_KEY = "a-secret-for-tests-only"
REGION = "us-east-1"
START_TIMEOUT_S = 300.0
STOP_TIMEOUT_S = 120.0


@dataclass
class LiveServer:
    """A running `stoker up`; `kill` and `start` again on the same data show what survives.

    `launcher` is a command that starts it, in the process that it is given. `certificate` is the one that it serves.
    """

    data: Path
    port: int
    options: list[str] = field(default_factory=list)
    launcher: list[str] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None
    certificate: Path | None = None
    has_roles: bool = False

    @property
    def endpoint(self) -> str:
        return f"http{'s' * bool(self.certificate)}://127.0.0.1:{self.port}"

    @property
    def env(self) -> dict[str, str]:
        """The environment that clients (the AWS CLI, `stoker`) need to reach it."""
        return {
            **os.environ,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": REGION,
            "STOKER_DATA": str(self.data),
            "NO_COLOR": "1",
        }

    def start(self) -> None:
        keys = {"STOKER_ACCESS_KEY": ACCESS_KEY, "STOKER_SECRET_KEY": SECRET_KEY}
        with open(self.data / "stoker.log", "ab") as log:
            self.process = subprocess.Popen(
                [*self.launcher, *self.command()], env={**os.environ, **keys}, stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._healthy():
            if self.process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"stoker did not start:\n{self.log()}")
            time.sleep(0.05)
        if not self.has_roles:
            for name in roles.NAMES:
                roles.make_role(self.endpoint, Credentials(ACCESS_KEY, SECRET_KEY), name, self._trust())
            self.has_roles = True

    def command(self) -> list[str]:
        """`stoker up` with this server's options."""
        return [str(STOKER), "up", "--port", str(self.port), "--data", str(self.data), *self.options]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(STOP_TIMEOUT_S)

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    def log(self) -> str:
        return (self.data / "stoker.log").read_text(errors="replace")

    def files(self) -> Iterator[tuple[Path, bytes]]:
        """Of its data, with what is in them: of all that are there while one looks, since it is at work."""
        for folder, _, names in os.walk(self.data):
            for path in (Path(folder, name) for name in names):
                with contextlib.suppress(FileNotFoundError):
                    if path.is_file():
                        yield path, path.read_bytes()

    def client(self, service: str, **settings: Any) -> Any:
        client = boto3.client(
            service,
            endpoint_url=settings.pop("endpoint_url", self.endpoint),
            region_name=settings.pop("region_name", REGION),
            aws_access_key_id=settings.pop("access_key", ACCESS_KEY),
            aws_secret_access_key=settings.pop("secret_key", SECRET_KEY),
            config=settings.pop("config", Config()).merge(
                Config(retries={"max_attempts": 0}, read_timeout=300, max_pool_connections=64)
            ),
            verify=str(self.certificate) if self.certificate else None,
            **settings,
        )
        client.meta.events.register("before-sign.s3-control", _without_account)
        return client

    def _trust(self) -> ssl.SSLContext | None:
        return ssl.create_default_context(cafile=self.certificate) if self.certificate else None

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.endpoint}/_stoker/health", timeout=30, context=self._trust()) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False


def _without_account(request: AWSRequest, **_: Any) -> None:
    """S3 Control's clients put the account before the host, which is an address here."""
    request.url = re.sub(r"//\d{12}\.", "//", request.url)


def free_port() -> int:
    """Below those that the kernel gives to outgoing connections: it is free when a server is started again."""
    lowest_outgoing = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.randrange(10_000, max(11_000, lowest_outgoing))
        with socket.socket() as sock, contextlib.suppress(OSError):
            sock.bind(("127.0.0.1", port))
            return port
