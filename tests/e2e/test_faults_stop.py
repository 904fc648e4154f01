"""SIGTERM: what runs is finished, then everything goes; a second one does not wait."""

import contextlib
import json
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import BotoCoreError, EndpointConnectionError

from fakes.deployment import Deployment
from fakes.kernel_traces import KernelTraces
from fakes.live_server import STOP_TIMEOUT_S, LiveServer
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
        assert running.result(60).value == "slept"
    assert traces.processes and traces.cgroups and traces.tables
    eventually_none(traces.processes_left, "a process")
    eventually_none(traces.disks_left, "a loop device or a mount")
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
    assert own_server.process.wait(STOP_TIMEOUT_S) == 0
    own_server.start()
    found = own_server.client("logs").filter_log_events(
        logGroupName=f"/aws/lambda/{name}", filterPattern=f'REPORT "{running.result().request_id}"'
    )
    assert len(found["events"]) == 1


WRITES = """import boto3, os, time
def handler(event, context):
    if event["call"] == "hang":
        time.sleep(800)
    boto3.client("sqs").send_message(QueueUrl=event["queue"], MessageBody=event["call"])
"""


def messages(server: LiveServer, queue: str) -> list[str]:
    found = server.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=1)
    return [message["Body"] for message in found.get("Messages", [])]


def test_a_second_signal_ends_it_at_once_and_what_was_accepted_runs_after_the_start(
    own_server: LiveServer, own_functions: Deployment
) -> None:
    name = own_functions.deploy(WRITES, Timeout=900)
    own_functions.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    queue = own_server.client("sqs").create_queue(QueueName="told")["QueueUrl"]
    with ThreadPoolExecutor(1) as pool:
        hung = pool.submit(own_functions.invoke, name, {"call": "hang"})
        eventually(lambda: started(own_server, name), "it runs")
        accepted = {"call": "accepted", "queue": queue}
        own_functions.client.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(accepted))
        assert own_server.process is not None
        own_server.process.terminate()
        eventually(lambda: "stopping" in own_server.log(), "the server has heard it")
        assert own_server.stop(signal.SIGINT) == 128 + signal.SIGINT
        with contextlib.suppress(BotoCoreError):
            hung.result(30)
    own_server.start()
    assert eventually(lambda: messages(own_server, queue), "what was accepted has run", within_s=60) == ["accepted"]


def test_a_mapping_whose_function_may_not_run_does_not_keep_it_from_its_end(
    own_server: LiveServer, own_functions: Deployment
) -> None:
    name = own_functions.deploy(SLEEPS)
    own_functions.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    sqs = own_server.client("sqs")
    queue = sqs.create_queue(QueueName="waits", Attributes={"VisibilityTimeout": "43200"})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    own_functions.client.create_event_source_mapping(FunctionName=name, EventSourceArn=arn)
    sqs.send_message(QueueUrl=queue, MessageBody="1")
    hidden = "ApproximateNumberOfMessagesNotVisible"

    def in_flight() -> bool:
        found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=[hidden])
        return bool(found["Attributes"][hidden] == "1")

    eventually(in_flight, "the mapping has the message", within_s=60)
    assert own_server.stop() == 0, own_server.log()
    own_server.start()
    assert in_flight()
