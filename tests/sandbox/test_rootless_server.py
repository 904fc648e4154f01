"""A server that an ordinary user started keeps its promises, but for those that only root can keep, which it names."""

import contextlib
import io
import json
import os
import signal
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from rootless_servers import UID, WEAK, ordinary_users_server, processes_of, refusal
from test_attacks import (  # noqa: F401
    test_a_function_has_no_rights_and_sees_only_itself,
    test_a_function_that_kills_itself_is_reported,
    test_background_threads_stand_still_between_invocations,
    test_children_left_behind_end_with_their_environment,
    test_dangerous_system_calls_are_refused,
    test_nothing_of_the_platforms_environment_reaches_a_function,
    test_only_tmp_can_be_written,
    test_sockets_of_dangerous_families_are_refused,
    test_the_hosts_files_are_not_there,
    test_the_hosts_loopback_and_its_own_addresses_are_out_of_reach,
    test_the_platforms_endpoint_is_there_but_not_its_console,
    test_tmp_is_full_when_it_is_full,
)

from conftest import Hostile
from fakes.live_server import LiveServer
from fakes.waiting import eventually, eventually_none
from fakes.zips import entry

pytestmark = [pytest.mark.root, pytest.mark.slow]

ATTACKS_PROCESS_1 = """
import os, signal
def handler(event, context):
    for number in sorted(signal.valid_signals()):
        os.kill(1, number)
    readable = []
    for name in ["environ", "mem", "maps", "auxv", "cwd/.", "root/.", *(f"fd/{number}" for number in range(20))]:
        try:
            os.open(f"/proc/1/{name}", os.O_RDONLY)
        except OSError:
            continue
        readable.append(name)
    return readable
"""


@pytest.fixture(scope="module")
def live_server() -> Iterator[LiveServer]:
    with ordinary_users_server(WEAK) as server:
        server.start()
        yield server
        assert server.stop() == 0, server.log()
        eventually_none(lambda: processes_of(UID), "a process of the user's")


@pytest.fixture(scope="module")
def hostile(live_server: LiveServer) -> Hostile:
    return Hostile(live_server.client("lambda"))


def test_process_1_is_out_of_reach_though_it_has_the_function_s_id(live_server: LiveServer) -> None:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as file:
        file.writestr("attack.py", ATTACKS_PROCESS_1)
    client = live_server.client("lambda")
    role = "arn:aws:iam::000000000000:role/test"
    client.create_function(
        FunctionName="attack",
        Runtime="python3.11",
        Role=role,
        Handler="attack.handler",
        Code={"ZipFile": code.getvalue()},
    )
    client.get_waiter("function_active_v2").wait(
        FunctionName="attack", WaiterConfig={"Delay": 0.1, "MaxAttempts": 1000}
    )
    for _ in range(2):
        assert json.loads(client.invoke(FunctionName="attack")["Payload"].read()) == []


EXTENSION = """#!/usr/bin/python3
import http.client, json, os, socket
def ask(method, path, body, **headers):
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    headers = {f"Lambda-Extension-{name}": value for name, value in headers.items()}
    connection.request(method, path, json.dumps(body), headers)
    answer = connection.getresponse()
    answer.read()
    return answer.headers["Lambda-Extension-Identifier"]
me = ask("POST", "/2020-01-01/extension/register", {"events": []}, Name=os.path.basename(__file__))
listener = socket.create_server(("sandbox.localdomain", 8080))
subscription = {"schemaVersion": "2022-12-13", "types": ["platform"], "buffering": {"timeoutMs": 25},
                "destination": {"protocol": "TCP", "port": 8080}}
ask("PUT", "/2022-07-01/telemetry", subscription, Identifier=me)
print("got", json.loads(listener.accept()[0].makefile().readline())["type"], "as", os.getuid(), flush=True)
ask("GET", "/2020-01-01/extension/event/next", None, Identifier=me)
"""


def test_an_extension_of_a_layer_runs_and_is_told_telemetry(live_server: LiveServer) -> None:
    layer, code = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(layer, "w") as file:
        file.writestr(entry("extensions/teller", 0o100755), EXTENSION)
    with zipfile.ZipFile(code, "w") as file:
        file.writestr("app.py", "import os\ndef handler(event, context):\n    return os.getuid()\n")
    client = live_server.client("lambda")
    version = client.publish_layer_version(LayerName="teller", Content={"ZipFile": layer.getvalue()})
    client.create_function(
        FunctionName="extended",
        Runtime="python3.11",
        Role="arn:aws:iam::000000000000:role/test",
        Handler="app.handler",
        Code={"ZipFile": code.getvalue()},
        Layers=[version["LayerVersionArn"]],
        Timeout=20,
    )
    client.get_waiter("function_active_v2").wait(
        FunctionName="extended", WaiterConfig={"Delay": 0.1, "MaxAttempts": 1000}
    )
    answer = client.invoke(FunctionName="extended", LogType="Tail")
    uid = json.loads(answer["Payload"].read())
    logs = live_server.client("logs")

    def told() -> bool:
        events = logs.filter_log_events(logGroupName="/aws/lambda/extended")["events"]
        return f"got platform.initStart as {uid}\n" in [event["message"] for event in events]

    eventually(told, "what the extension was told")


def test_forks_end_at_a_limit_of_processes(hostile: Hostile) -> None:
    outcome = hostile.invoke("forks_a_thousand_times", MemorySize=1024)
    assert outcome.value["refused"] == "EAGAIN"
    assert 900 < outcome.value["forked"] < 1024


def test_the_memory_that_is_reported_was_measured(hostile: Hostile) -> None:
    before = hostile.invoke("counts").report["Max Memory Used"]
    assert 5 < int(before.removesuffix(" MB")) < 100
    crashed = hostile.invoke("exits", {"status": 7})
    assert 5 < int(crashed.report["Max Memory Used"].removesuffix(" MB")) < 100


def test_everything_in_the_data_directory_is_the_user_s(live_server: LiveServer, hostile: Hostile) -> None:
    hostile.invoke("counts")
    assert {each.st_uid for each in statuses_below(live_server.data)} - {0} == {UID}
    assert (live_server.data / "credentials").stat().st_uid == UID


def statuses_below(folder: Path) -> Iterator[os.stat_result]:
    """Of all that is there while one looks: the server is at work."""
    for place, folders, files in os.walk(folder):
        for name in folders + files:
            with contextlib.suppress(FileNotFoundError):
                yield Path(place, name).lstat()


def test_what_could_not_be_had_is_said_at_the_start(live_server: LiveServer) -> None:
    said = live_server.log()
    for missing in ("cgroups", "identities", "disks", "network"):
        assert f"stoker: {missing} not to be had: " in said
    assert "memory and CPU time of functions are not limited" in said


def test_it_does_not_start_without_a_memory_limit_unless_told_to() -> None:
    with ordinary_users_server([]) as server:
        said = refusal(server)
    assert "cgroups not to be had" in said
    assert "systemd-run --user --scope -p Delegate=yes" in said
    assert "not starting, unless with --allow-weak-isolation" in said


def test_nothing_is_left_after_kill_9() -> None:
    other = UID + 1
    with ordinary_users_server(WEAK, uid=other) as server:
        server.start()
        assert Hostile(server.client("lambda")).invoke("counts").value == 1
        assert len(processes_of(other)) > 3
        server.stop(signal.SIGKILL)
        eventually_none(lambda: processes_of(other), "a process of the user's")
