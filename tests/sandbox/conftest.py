"""Deploys the hostile handlers, and keeps a neighbour to see that it is never harmed."""

import base64
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fakes.live_server import LiveServer

HANDLERS = Path(__file__).parent / "handlers"
ROLE = "arn:aws:iam::000000000000:role/test"
RUNTIME = "python3.11"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What an invocation gave: its value, the error it named, and its log."""

    value: Any
    error: str | None
    log: str

    @property
    def report(self) -> dict[str, str]:
        """The REPORT line's figures by name."""
        line = next(line for line in self.log.splitlines() if line.startswith("REPORT"))
        return dict(re.findall(r"([A-Z][A-Za-z ]+): ([^\t]+)", line))


def archive(source: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(source.name, source.read_text())
    return buffer.getvalue()


class Hostile:
    """Deploys `<module>.<handler>` of the handlers' folder once per name and invokes it."""

    def __init__(self, client: Any, module: str = "hostile") -> None:
        self.client = client
        self._module = module
        self._deployed: set[str] = set()

    def deploy(self, handler: str, **configuration: Any) -> str:
        digest = hashlib.sha256(str(configuration).encode()).hexdigest()
        name = f"{self._module}-{handler.replace('_', '-')}-{digest[:12]}"
        if name not in self._deployed:
            self.client.create_function(
                FunctionName=name,
                Runtime=RUNTIME,
                Role=ROLE,
                Handler=f"{self._module}.{handler}",
                Code={"ZipFile": archive(HANDLERS / f"{self._module}.py")},
                **{"Timeout": 240, "MemorySize": 256, **configuration},
            )
            self.client.get_waiter("function_active_v2").wait(
                FunctionName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 1000}
            )
            self._deployed.add(name)
        return name

    def invoke(self, handler: str, event: Any = None, **configuration: Any) -> Outcome:
        name = self.deploy(handler, **configuration)
        answer = self.client.invoke(FunctionName=name, Payload=json.dumps(event or {}), LogType="Tail")
        value = json.loads(answer["Payload"].read() or b"null")
        log = base64.b64decode(answer.get("LogResult", "")).decode(errors="replace")
        error = value["errorType"] if "FunctionError" in answer else None
        return Outcome(value=value, error=error, log=log)


@pytest.fixture(scope="session")
def hostile(live_server: LiveServer) -> Hostile:
    return Hostile(live_server.client("lambda"))


@pytest.fixture(scope="session")
def greedy(live_server: LiveServer) -> Hostile:
    """Functions that take what the machine has one of for everybody."""
    return Hostile(live_server.client("lambda"), "greedy")


@pytest.fixture
def neighbour(hostile: Hostile) -> Iterator[None]:
    """A warm environment beside the attack that must go on as if nothing had happened."""
    before = hostile.invoke("counts").value
    yield
    after = hostile.invoke("counts").value
    assert after == before + 1, "the neighbour's environment was harmed"
