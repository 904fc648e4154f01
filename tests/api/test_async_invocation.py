"""Asynchronous invocation with the client that everybody has."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fakes.deployment import Deployment
from fakes.live_server import LiveServer
from fakes.waiting import eventually

ARN = "arn:aws:lambda:us-east-1:000000000000:function"
TELLS = """
    import json
    def handler(event, context):
        print("GOT", json.dumps({"event": event, "id": context.aws_request_id}))
        return {"heard": event}
"""
COUNTS = """
    def handler(event, context):
        print("GOT", event["responsePayload"])
        return event["responsePayload"] + 1
"""
FAILS = """
    def handler(event, context):
        raise ValueError("no")
"""


@pytest.fixture
def deployment(lambda_client: Any) -> Deployment:
    return Deployment(lambda_client)


def heard(server: LiveServer, name: str) -> list[Any]:
    """What a function said that it got."""
    logs = server.client("logs")
    try:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}")
        messages = [event["message"] for page in pages for event in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [json.loads(message[4:]) for message in messages if message.startswith("GOT ")]


def test_an_event_is_answered_at_once_and_runs_once(live_server: LiveServer, deployment: Deployment) -> None:
    name = deployment.deploy(TELLS)
    answer = deployment.client.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"a": 1}')
    assert (answer["StatusCode"], answer["Payload"].read()) == (202, b"")
    assert "ExecutedVersion" not in answer
    (got,) = eventually(lambda: heard(live_server, name), "the event ran")
    assert got == {"event": {"a": 1}, "id": answer["ResponseMetadata"]["RequestId"]}


def test_the_older_operation_works_too(live_server: LiveServer, deployment: Deployment) -> None:
    name = deployment.deploy(TELLS)
    assert deployment.client.invoke_async(FunctionName=name, InvokeArgs=b"[1]")["Status"] == 202
    (got,) = eventually(lambda: heard(live_server, name), "the event ran")
    assert got["event"] == [1]


def test_a_success_is_told_to_its_destination(live_server: LiveServer, deployment: Deployment) -> None:
    name, destination = deployment.deploy(TELLS), deployment.deploy(TELLS)
    config = {"OnSuccess": {"Destination": f"{ARN}:{destination}"}}
    deployment.client.put_function_event_invoke_config(FunctionName=name, DestinationConfig=config)
    deployment.client.invoke(FunctionName=name, InvocationType="Event", Payload=b"7")
    (got,) = eventually(lambda: heard(live_server, destination), "the destination was told")
    assert got["event"]["requestContext"]["condition"] == "Success"
    assert (got["event"]["requestPayload"], got["event"]["responsePayload"]) == (7, {"heard": 7})


def test_a_failure_is_told_to_its_destination(live_server: LiveServer, deployment: Deployment) -> None:
    name, destination = deployment.deploy(FAILS), deployment.deploy(TELLS)
    deployment.client.put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": f"{ARN}:{destination}"}},
    )
    answer = deployment.client.invoke(FunctionName=name, InvocationType="Event", Payload=b"{}")
    (got,) = eventually(lambda: heard(live_server, destination), "the destination was told")
    record = got["event"]
    assert record["requestContext"] == {
        "requestId": answer["ResponseMetadata"]["RequestId"],
        "functionArn": f"{ARN}:{name}:$LATEST",
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 1,
    }
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
    assert record["responsePayload"]["errorType"] == "ValueError"


def test_functions_that_are_each_others_destinations_are_stopped_after_16_runs(
    live_server: LiveServer, deployment: Deployment
) -> None:
    ping, pong, last = deployment.deploy(COUNTS), deployment.deploy(COUNTS), deployment.deploy(TELLS)
    for name, other in ((ping, pong), (pong, ping)):
        targets = {"OnSuccess": {"Destination": f"{ARN}:{other}"}, "OnFailure": {"Destination": f"{ARN}:{last}"}}
        deployment.client.put_function_event_invoke_config(FunctionName=name, DestinationConfig=targets)
    deployment.client.invoke(FunctionName=ping, InvocationType="Event", Payload=b'{"responsePayload": 0}')
    (got,) = eventually(lambda: heard(live_server, last), "the loop was stopped")
    assert got["event"]["requestContext"]["functionArn"] == f"{ARN}:{ping}:$LATEST"
    assert (len(heard(live_server, ping)), len(heard(live_server, pong))) == (16, 16)


def test_what_cannot_be_accepted_is_refused(deployment: Deployment) -> None:
    name = deployment.deploy(TELLS)
    for params, code, status in (
        ({"FunctionName": "absent"}, "ResourceNotFoundException", 404),
        ({"FunctionName": name, "Payload": b'"%s"' % (b"x" * 1_048_576)}, "RequestEntityTooLargeException", 413),
        ({"FunctionName": name, "Payload": b"{"}, "InvalidRequestContentException", 400),
    ):
        with pytest.raises(ClientError) as refused:
            deployment.client.invoke(InvocationType="Event", **params)
        response = refused.value.response
        assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)


def test_every_acknowledged_event_outlives_kill_9(own_server: LiveServer) -> None:
    own_server.start()
    deployment = Deployment(own_server.client("lambda"))
    slow = deployment.deploy("import time\ndef handler(event, context):\n    time.sleep(2)\n")
    name = deployment.deploy(TELLS)
    for _ in range(4):
        deployment.client.invoke(FunctionName=slow, InvocationType="Event", Payload=b"1")
    for number in range(60):
        deployment.client.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(number))
    own_server.kill()
    own_server.start()

    def all_heard() -> bool:
        return {got["event"] for got in heard(own_server, name)} == set(range(60))

    eventually(all_heard, "every event ran")


def test_configs_and_recursion_are_read_back(deployment: Deployment) -> None:
    name, client = deployment.deploy(TELLS), deployment.client
    client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=1, MaximumEventAgeInSeconds=60)
    found = client.get_function_event_invoke_config(FunctionName=name)
    assert (found["MaximumRetryAttempts"], found["MaximumEventAgeInSeconds"]) == (1, 60)
    assert found["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {}}
    client.update_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=2)
    (listed,) = client.list_function_event_invoke_configs(FunctionName=name)["FunctionEventInvokeConfigs"]
    assert listed["MaximumRetryAttempts"] == 2
    client.delete_function_event_invoke_config(FunctionName=name)
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="doesn't have an EventInvokeConfig"):
        client.get_function_event_invoke_config(FunctionName=name)
    client.put_function_recursion_config(FunctionName=name, RecursiveLoop="Allow")
    assert client.get_function_recursion_config(FunctionName=name)["RecursiveLoop"] == "Allow"
