"""A process of Stoker's own dies, killed from outside: what ran fails in AWS's words, and the next call works."""

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from fakes.deployment import Deployment, Reply
from fakes.kernel_traces import KernelTraces, Process, first_processes, wardens, zygotes
from fakes.live_server import LiveServer
from fakes.waiting import eventually

pytestmark = pytest.mark.root

WAITS = """
import time
def handler(event, context):
    print("it runs")
    time.sleep(event["seconds"])
    return "done"
"""
KILLED = "Runtime exited with error: signal: killed"


@pytest.fixture
def waits(own_functions: Deployment) -> str:
    """A warm function."""
    name = own_functions.deploy(WAITS)
    assert own_functions.invoke(name, {"seconds": 0}).value == "done"
    return name


def kill_while_it_runs(
    server: LiveServer, functions: Deployment, name: str, victims: Callable[[LiveServer], list[Process]]
) -> Reply:
    """Kill processes in the middle of an invocation of some seconds; what its caller got."""
    group = f"/aws/lambda/{name}"
    logs = server.client("logs")

    def lines() -> int:
        return len(logs.filter_log_events(logGroupName=group, filterPattern='"it runs"')["events"])

    before = lines()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(functions.invoke, name, {"seconds": 3})
        eventually(lambda: lines() > before, "it runs")
        killed = victims(server)
        assert killed
        for process in killed:
            os.kill(process.pid, signal.SIGKILL)
        return running.result(20)


@pytest.mark.parametrize("victims", [first_processes, zygotes])
def test_what_runs_fails_like_a_crash_and_the_next_works(
    own_server: LiveServer,
    own_functions: Deployment,
    waits: str,
    victims: Callable[[LiveServer], list[Process]],
) -> None:
    reply = kill_while_it_runs(own_server, own_functions, waits, victims)
    assert reply.error == "Runtime.ExitError"
    assert reply.value["errorMessage"] == f"RequestId: {reply.request_id} Error: {KILLED}"
    assert "REPORT RequestId" in reply.log
    for _ in range(3):
        assert own_functions.invoke(waits, {"seconds": 0}).value == "done"


def test_what_runs_does_not_notice_the_end_of_the_warden(
    own_server: LiveServer, own_functions: Deployment, waits: str
) -> None:
    assert kill_while_it_runs(own_server, own_functions, waits, wardens).value == "done"


def test_the_warden_is_replaced_when_it_died(own_server: LiveServer, own_functions: Deployment, waits: str) -> None:
    before, walls = wardens(own_server), KernelTraces.of(own_server).tables
    os.kill(before[0].pid, signal.SIGKILL)
    # More at once than there are sandboxes prepared.
    with ThreadPoolExecutor(32) as pool:
        replies = list(pool.map(lambda _: own_functions.invoke(waits, {"seconds": 1}), range(32)))
    assert {reply.value for reply in replies} == {"done"}
    assert wardens(own_server) != before
    # The rules that wall off what the first one connected are the host's, and so are the new one's.
    assert len(walls) == 1 and KernelTraces.of(own_server).tables == walls


def test_nothing_is_left_of_a_server_whose_helpers_died(
    own_server: LiveServer, own_functions: Deployment, waits: str
) -> None:
    traces = KernelTraces.of(own_server)
    for victims in (first_processes, zygotes, wardens):
        for process in victims(own_server):
            os.kill(process.pid, signal.SIGKILL)
        # The very next call may still meet the one that was killed.
        eventually(lambda: own_functions.invoke(waits, {"seconds": 0}).value == "done", "it works again")
    later = KernelTraces.of(own_server)
    assert own_server.stop() == 0
    assert traces.swept_later() + later.swept_later() == []
    assert later.processes_left() + later.disks_left() == []
