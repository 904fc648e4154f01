"""kill -9: nothing acknowledged is lost, and nothing is left behind."""

import contextlib
import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from fakes.deployment import ROLE, Deployment, package
from fakes.kernel_traces import KernelTraces
from fakes.live_server import LiveServer
from fakes.waiting import eventually, eventually_none
from fakes.zips import zip_of
from stoker.bootstrap.memory_image import ORDER_DESCRIPTOR

pytestmark = pytest.mark.root

ECHO = "def handler(event, context):\n    return event\n"
LAYER = zip_of({"python/shared.py": "VALUE = 1\n"})
# Takes long enough to unpack that a kill at once comes before the end.
LARGE = zip_of({"app.py": ECHO, **{f"part/{number}.py": "" for number in range(4_000)}})


@dataclass
class Acknowledged:
    """What the load got a success for."""

    functions: dict[str, str] = field(default_factory=dict)  # name: CodeSha256
    layers: list[str] = field(default_factory=list)
    invocations: list[str] = field(default_factory=list)
    # The version that the alias `live` was last said to have, and the one that was asked for last.
    alias: str = ""
    alias_asked: str = ""
    alias_updates: int = 0


class Load:
    """Threads that create functions, move an alias and invoke, each until the server is gone."""

    def __init__(self, server: LiveServer) -> None:
        self.acknowledged = Acknowledged()
        self._server = server
        work = [self._create, self._move_alias, self._invoke, self._invoke]
        self._threads = [threading.Thread(target=self._until_gone, args=(each,)) for each in work]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.kill()
        for thread in self._threads:
            thread.join(120)

    @property
    def heavy(self) -> bool:
        seen = self.acknowledged
        return len(seen.functions) >= 8 and len(seen.invocations) >= 300 and seen.alias_updates >= 20

    def _until_gone(self, work: Callable[[Any, int], None]) -> None:
        client = self._server.client("lambda")
        with contextlib.suppress(BotoCoreError):
            for number in range(1_000_000):
                work(client, number)

    def _create(self, client: Any, number: int) -> None:
        name = f"load-{number}"
        made = client.create_function(
            FunctionName=name,
            Runtime="python3.11",
            Handler="app.handler",
            Role=ROLE,
            Code={"ZipFile": package(f"NUMBER = {number}\n{ECHO}")},
            Tags={"number": str(number)},
            Publish=True,
        )
        client.add_permission(
            FunctionName=name, StatementId="s", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com"
        )
        client.create_alias(FunctionName=name, Name="first", FunctionVersion="1")
        layer = client.publish_layer_version(LayerName=name, Content={"ZipFile": LAYER})
        self.acknowledged.functions[name] = made["CodeSha256"]
        self.acknowledged.layers.append(layer["LayerVersionArn"])

    def _move_alias(self, client: Any, number: int) -> None:
        seen = self.acknowledged
        seen.alias_asked = str(number % 2 + 1)
        client.update_alias(FunctionName="echo", Name="live", FunctionVersion=seen.alias_asked)
        seen.alias, seen.alias_updates = seen.alias_asked, seen.alias_updates + 1

    def _invoke(self, client: Any, number: int) -> None:
        answer = client.invoke(FunctionName="echo", Qualifier="live", Payload=json.dumps({"number": number}))
        assert json.loads(answer["Payload"].read()) == {"number": number}
        self.acknowledged.invocations.append(answer["ResponseMetadata"]["RequestId"])


@pytest.fixture
def after_kill(own_server: LiveServer, own_functions: Deployment) -> tuple[LiveServer, Acknowledged]:
    """A server killed under load and started again on the same data."""
    own_functions.deploy(ECHO, FunctionName="echo", Publish=True)
    own_functions.client.update_function_code(FunctionName="echo", ZipFile=package(f"# 2\n{ECHO}"), Publish=True)
    own_functions.wait_updated("echo")
    own_functions.client.create_alias(FunctionName="echo", Name="live", FunctionVersion="1")
    with Load(own_server) as load:
        eventually(lambda: load.heavy, "a load worth killing")
    own_server.start()
    return own_server, load.acknowledged


@pytest.mark.slow
def test_what_was_acknowledged_is_there_after_kill_9(after_kill: tuple[LiveServer, Acknowledged]) -> None:
    server, acknowledged = after_kill
    client = server.client("lambda")
    for name, digest in acknowledged.functions.items():
        found = client.get_function(FunctionName=name)
        assert found["Configuration"]["CodeSha256"] == digest
        assert found["Tags"] == {"number": name.removeprefix("load-")}
        assert client.get_alias(FunctionName=name, Name="first")["FunctionVersion"] == "1"
        assert '"s3.amazonaws.com"' in client.get_policy(FunctionName=name)["Policy"]
        assert client.get_function_configuration(FunctionName=name, Qualifier="1")["CodeSha256"] == digest
    for arn in acknowledged.layers:
        assert client.get_layer_version_by_arn(Arn=arn)["LayerVersionArn"] == arn
    moved = client.get_alias(FunctionName="echo", Name="live")["FunctionVersion"]
    assert moved in {acknowledged.alias, acknowledged.alias_asked}
    _assert_functions_work(Deployment(client), [*acknowledged.functions][-2:])
    _assert_each_is_billed_once(server, acknowledged.invocations)


def _assert_functions_work(functions: Deployment, names: list[str]) -> None:
    for name in names:
        functions.wait_active(name)
        assert functions.invoke(name, {"again": name}).value == {"again": name}


def _assert_each_is_billed_once(server: LiveServer, request_ids: list[str]) -> None:
    """One REPORT line and one row in the ledger for every answer."""
    pages = server.client("logs").get_paginator("filter_log_events")
    found = pages.paginate(logGroupName="/aws/lambda/echo", filterPattern="REPORT")
    reports = Counter(event["message"].split("\t")[0].split()[-1] for page in found for event in page["events"])
    with contextlib.closing(sqlite3.connect(server.data / "telemetry" / "telemetry.db")) as database:
        ledger = Counter(row[0] for row in database.execute("SELECT request_id FROM ledger WHERE function = 'echo'"))
    for request_id in request_ids:
        assert (reports[request_id], ledger[request_id]) == (1, 1), request_id
    assert reports == ledger


def test_a_function_that_was_pending_when_killed_becomes_active(
    own_server: LiveServer, own_functions: Deployment
) -> None:
    made = own_functions.client.create_function(
        FunctionName="large", Runtime="python3.11", Handler="app.handler", Role=ROLE, Code={"ZipFile": LARGE}
    )
    own_server.kill()
    assert made["State"] == "Pending"
    assert not [each for each in (own_server.data / "packages").iterdir() if not _unfinished_or_marker(each.name)]
    own_server.start()
    functions = Deployment(own_server.client("lambda"))
    functions.wait_active("large")
    assert functions.invoke("large", [1]).value == [1]
    assert not [each for each in (own_server.data / "packages").iterdir() if each.name.startswith("unfinished")]


def _unfinished_or_marker(name: str) -> bool:
    return name.startswith("unfinished") or name == "boot_id"


@pytest.mark.parametrize("sandbox", ["linux", "gvisor"])
def test_nothing_of_it_is_left_after_kill_9_and_a_start(
    own_server: LiveServer, own_functions: Deployment, sandbox: str
) -> None:
    code = "import time\ndef handler(event, context):\n    time.sleep(event)\n"
    name = own_functions.deploy(code, Tags={"stoker:sandbox": sandbox}, Timeout=300)
    own_functions.invoke(name, 0)
    running = threading.Thread(target=_invoke_until_cut_off, args=(own_server, name))
    running.start()
    logs = own_server.client("logs")
    group = f"/aws/lambda/{name}"
    eventually(
        lambda: len(logs.filter_log_events(logGroupName=group, filterPattern='"START RequestId"')["events"]) == 2,
        "it runs",
    )
    before = KernelTraces.of(own_server)
    assert len(before.processes) >= 4 and before.cgroups and before.tables and before.disks_left()
    own_server.kill()
    running.join(60)
    eventually_none(before.processes_left, "a process")
    eventually_none(before.disks_left, "a loop device or a mount")
    # The next start has none of gVisor's functions to run.
    own_server.start()
    assert before.swept_later() == []


def test_what_waits_with_a_template_s_memory_ends_with_kill_9(
    own_server: LiveServer, own_functions: Deployment
) -> None:
    code = "import time\nwhile time.process_time() < 0.06:\n    pass\ndef handler(event, context):\n    return event\n"
    name = own_functions.deploy(code, Tags={"stoker:environment": "fresh"})

    def waits() -> bool:
        own_functions.invoke(name, 0)
        return any(_waits_to_go_on(process.pid) for process in KernelTraces.of(own_server).processes)

    eventually(waits, "a process waits for whose it is to be", within_s=60)
    before = KernelTraces.of(own_server)
    own_server.kill()
    eventually_none(before.processes_left, "a process", within_s=5)
    eventually_none(before.disks_left, "a loop device or a mount", within_s=5)


def _waits_to_go_on(pid: int) -> bool:
    """It reads from the descriptor over which a restored process is told the rest of its order."""
    try:
        return Path(f"/proc/{pid}/syscall").read_text().startswith(f"0 {ORDER_DESCRIPTOR:#x} ")
    except OSError:
        return False


def _invoke_until_cut_off(server: LiveServer, name: str) -> None:
    with pytest.raises((BotoCoreError, ClientError)):
        server.client("lambda").invoke(FunctionName=name, Payload="300")
