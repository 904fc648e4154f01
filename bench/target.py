"""A server under measurement: a child process in a temporary directory that is ready once it answers."""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

PATIENCE_S = 60.0
POLL_S = 0.05
LOWEST_PORT, EPHEMERAL = 10_000, Path("/proc/sys/net/ipv4/ip_local_port_range")


class TargetError(Exception):
    """A server could not be installed or started; the message ends with what it last wrote."""


def free_port() -> int:
    """One below those that the kernel gives to outgoing connections: a server that is started again finds it free."""
    first = max(LOWEST_PORT + 1_000, int(EPHEMERAL.read_text().split()[0]))
    for port in random.sample(range(LOWEST_PORT, first), k=100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise TargetError(f"no port is free between {LOWEST_PORT} and {first}")


class Server:
    """One child process. `close` stops it and removes its directory."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.directory = Path(tempfile.mkdtemp(prefix=f"stoker-bench-{name}-"))
        self._output = self.directory / "output.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, command: Sequence[str], environment: Mapping[str, str], ready: str) -> None:
        """Run it until `ready`, a URL, answers with anything but a server error. Raises TargetError."""
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                cwd=self.directory,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + PATIENCE_S
        while not _answers(ready):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise TargetError(f"{self.name} did not start: {self._output.read_text()[-2000:]}")
            time.sleep(POLL_S)

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def stop(self) -> None:
        """It may be started again in the same directory."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                # The whole group: it is a session of its own.
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=PATIENCE_S).close()
    except urllib.error.HTTPError as error:
        return error.code < 500
    except (urllib.error.URLError, ConnectionError):
        return False
    return True
