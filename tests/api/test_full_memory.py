"""A machine whose memory is full, as the kernel tells it, through boto3 against a live server."""

import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fakes.deployment import Deployment
from fakes.live_server import LiveServer, free_port

pytestmark = pytest.mark.root
WHERE = "import os\ndef handler(event, context):\n    return os.environ['AWS_LAMBDA_LOG_STREAM_NAME']\n"
MEMINFO = Path("/proc/meminfo")


class Machine:
    """A Stoker for which the kernel says what the test says. A tenth of the 4,000 MB at the start is kept back."""

    def __init__(self, directory: Path) -> None:
        self._said = directory / "meminfo"
        self._text = MEMINFO.read_text()
        self.say(4000)
        data = directory / "data"
        data.mkdir()
        instead = f'mount --bind {self._said} {MEMINFO} && exec "$@"'
        self.server = LiveServer(data=data, port=free_port(), launcher=["unshare", "-m", "sh", "-c", instead, "--"])

    def say(self, available_mb: int) -> None:
        """In one write of the same length: somebody else is reading it."""
        line = f"MemAvailable: {available_mb * 1024:>12} kB"
        text = re.sub(r"MemAvailable: .*", line, self._text).encode()
        with open(self._said, "r+b" if self._said.exists() else "wb", buffering=0) as file:
            file.write(text)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    machine.server.start()
    yield machine
    assert machine.server.stop() == 0, machine.server.log()


def environment_of(client: Any, name: str) -> str:
    answer: str = json.loads(client.invoke(FunctionName=name)["Payload"].read())
    return answer


def test_idle_environments_of_others_go_then_callers_wait_and_are_throttled(machine: Machine) -> None:
    client = machine.server.client("lambda")
    other, new = (Deployment(client).deploy(WHERE) for _ in range(2))
    idle = environment_of(client, other)
    machine.say(405)
    assert environment_of(client, other) == idle
    began = time.monotonic()
    with pytest.raises(ClientError) as refused:
        environment_of(client, new)
    assert time.monotonic() - began >= 5.0
    assert (refused.value.response["Error"]["Code"], refused.value.response["Reason"]) == (
        "TooManyRequestsException",
        "ConcurrentInvocationLimitExceeded",
    )
    threading.Timer(0.5, machine.say, [4000]).start()
    assert environment_of(client, new)
    assert environment_of(client, other) != idle
