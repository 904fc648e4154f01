"""A process of Stoker's own dies, killed from outside: what ran fails in AWS's words, and the next call works."""

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from fakes.deployment import Deployment, Reply
from fakes.kernel_traces import KernelTraces, Process, first_processes, wardens, zygotes
from fakes.live_server import LiveServer, free_port
from fakes.waiting import eventually, eventually_none

pytestmark = pytest.mark.root

WAITS = """
import time
def handler(event, context):
    print("it runs")
    time.sleep(event["seconds"])
    return "done"
"""
KILLED = "Runtime exited with error: signal: killed"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """One that is hurt again and again, and in the end leaves nothing, neither of itself nor of what died."""
    server = LiveServer(data=tmp_path_factory.mktemp("hurt"), port=free_port())
    server.start()
    first = KernelTraces.of(server)
    yield server
    last = KernelTraces.of(server)
    assert server.stop() == 0, server.log()
    assert first.swept_later() + last.swept_later() == []
    eventually_none(last.processes_left, "a process")
    eventually_none(last.disks_left, "a loop device or a mount")


@pytest.fixture(scope="module")
def functions(server: LiveServer) -> Deployment:
    return Deployment(server.client("lambda"))


@pytest.fixture
def waits(functions: Deployment) -> str:
    """A warm function."""
    name = functions.deploy(WAITS, Timeout=100)
    assert functions.invoke(name, {"seconds": 0}).value == "done"
    return name


def kill_while_it_runs(
    server: LiveServer, functions: Deployment, name: str, victims: Callable[[LiveServer], list[Process]], seconds: int
) -> Reply:
    """Kill processes in the middle of an invocation of so many seconds; what its caller got."""
    group = f"/aws/lambda/{name}"
    logs = server.client("logs")

    def lines() -> int:
        return len(logs.filter_log_events(logGroupName=group, filterPattern='"it runs"')["events"])

    before = lines()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(functions.invoke, name, {"seconds": seconds})
        eventually(lambda: lines() > before, "it runs")
        killed = victims(server)
        assert killed
        for process in killed:
            os.kill(process.pid, signal.SIGKILL)
        return running.result(120)


@pytest.mark.parametrize("victims", [first_processes, zygotes])
def test_what_runs_fails_like_a_crash_and_the_next_works(
    server: LiveServer,
    functions: Deployment,
    waits: str,
    victims: Callable[[LiveServer], list[Process]],
) -> None:
    # It ends long before: with the process.
    reply = kill_while_it_runs(server, functions, waits, victims, 90)
    assert reply.error == "Runtime.ExitError"
    assert reply.value["errorMessage"] == f"RequestId: {reply.request_id} Error: {KILLED}"
    assert "REPORT RequestId" in reply.log
    for _ in range(3):
        assert functions.invoke(waits, {"seconds": 0}).value == "done"


def test_what_runs_does_not_notice_the_end_of_the_warden(server: LiveServer, functions: Deployment, waits: str) -> None:
    assert kill_while_it_runs(server, functions, waits, wardens, 5).value == "done"


def test_the_warden_is_replaced_when_it_died(server: LiveServer, functions: Deployment, waits: str) -> None:
    before, walls = wardens(server), KernelTraces.of(server).tables
    os.kill(before[0].pid, signal.SIGKILL)
    # More at once than there are sandboxes prepared.
    with ThreadPoolExecutor(32) as pool:
        replies = list(pool.map(lambda _: functions.invoke(waits, {"seconds": 1}), range(32)))
    assert {reply.value for reply in replies} == {"done"}
    assert wardens(server) != before
    # The rules that wall off what the first one connected are the host's, and so are the new one's.
    assert len(walls) == 1 and KernelTraces.of(server).tables == walls
