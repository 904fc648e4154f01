"""SIGTERM: what runs is finished, then everything goes."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import EndpointConnectionError

from fakes.deployment import Deployment
from fakes.kernel_traces import KernelTraces
from fakes.live_server import LiveServer
from fakes.waiting import eventually, eventually_none

pytestmark = pytest.mark.root

SLEEPS = "import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'slept'\n"


def started(server: LiveServer, name: str) -> bool:
    """Whether an invocation of this function runs: its START line is shown while it does."""
    groups = server.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"]
    if not groups:
        return False
    found = server.client("logs").filter_log_events(
        logGroupName=f"/aws/lambda/{name}", filterPattern='"START RequestId"'
    )
    return bool(found["events"])


def test_a_running_invocation_is_finished_and_answered_before_the_end(
    own_server: LiveServer, own_functions: Deployment
) -> None:
    name = own_functions.deploy(SLEEPS)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(own_functions.invoke, name, 2)
        eventually(lambda: started(own_server, name), "it runs")
        traces = KernelTraces.of(own_server)
        assert own_server.stop() == 0, own_server.log()
        assert running.result(1).value == "slept"
    assert traces.processes and traces.cgroups and traces.tables
    eventually_none(traces.processes_left, "a process", within_s=5)
    eventually_none(traces.disks_left, "a loop device or a mount", within_s=5)
    assert traces.swept_later() == []
    assert "Traceback" not in own_server.log()


def test_the_last_request_is_finished_alone_and_its_bill_kept(
    own_server: LiveServer, own_functions: Deployment
) -> None:
    name = own_functions.deploy(SLEEPS)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(own_functions.invoke, name, 2)
        eventually(lambda: started(own_server, name), "it runs")
        assert own_server.process is not None
        own_server.process.terminate()
        eventually(lambda: "stopping" in own_server.log(), "the server has heard it")
        with pytest.raises(EndpointConnectionError):
            own_server.client("lambda").list_functions()
    assert own_server.process.wait(20) == 0
    own_server.start()
    found = own_server.client("logs").filter_log_events(
        logGroupName=f"/aws/lambda/{name}", filterPattern=f'REPORT "{running.result().request_id}"'
    )
    assert len(found["events"]) == 1
