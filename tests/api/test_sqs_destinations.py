"""What becomes of asynchronous events: records in a destination's queue, dead letters in the function's."""

import json
import uuid
from typing import Any

import pytest

from fakes.deployment import Deployment
from fakes.live_server import LiveServer
from fakes.waiting import eventually

FAILS = """
    def handler(event, context):
        if event.get("fail"):
            raise ValueError("no way")
        return {"heard": event}
"""


@pytest.fixture
def deployment(lambda_client: Any) -> Deployment:
    return Deployment(lambda_client)


@pytest.fixture
def sqs(live_server: LiveServer) -> Any:
    return live_server.client("sqs")


def new_queue(sqs: Any) -> tuple[str, str]:
    name = f"q{uuid.uuid4().hex}"
    return sqs.create_queue(QueueName=name)["QueueUrl"], f"arn:aws:sqs:us-east-1:000000000000:{name}"


def first(sqs: Any, url: str) -> dict[str, Any]:
    asked = {"QueueUrl": url, "WaitTimeSeconds": 20, "MessageAttributeNames": ["All"], "AttributeNames": ["All"]}
    (message,) = eventually(lambda: sqs.receive_message(**asked).get("Messages"), "a message")
    found: dict[str, Any] = message
    return found


def invoke(deployment: Deployment, name: str, event: dict[str, Any]) -> str:
    answer = deployment.client.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event))
    request_id: str = answer["ResponseMetadata"]["RequestId"]
    return request_id


def test_a_queue_is_told_of_successes_and_failures(deployment: Deployment, sqs: Any) -> None:
    (good, good_arn), (bad, bad_arn) = new_queue(sqs), new_queue(sqs)
    name = deployment.deploy(FAILS)
    deployment.client.put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnSuccess": {"Destination": good_arn}, "OnFailure": {"Destination": bad_arn}},
    )
    ids = [invoke(deployment, name, {"n": 1}), invoke(deployment, name, {"fail": True})]
    told = [json.loads(first(sqs, url)["Body"]) for url in (good, bad)]
    assert [each["requestContext"]["requestId"] for each in told] == ids
    assert [each["requestContext"]["condition"] for each in told] == ["Success", "RetriesExhausted"]
    assert told[0]["responsePayload"] == {"heard": {"n": 1}}
    assert told[1]["responsePayload"]["errorMessage"] == "no way"


def test_an_event_that_failed_for_good_is_in_the_dead_letter_queue(deployment: Deployment, sqs: Any) -> None:
    url, arn = new_queue(sqs)
    name, client = deployment.deploy(FAILS, DeadLetterConfig={"TargetArn": arn}), deployment.client
    assert client.get_function_configuration(FunctionName=name)["DeadLetterConfig"] == {"TargetArn": arn}
    client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    request_id = invoke(deployment, name, {"fail": True})
    message = first(sqs, url)
    assert json.loads(message["Body"]) == {"fail": True}
    assert message["MessageAttributes"] == {
        "RequestID": {"StringValue": request_id, "DataType": "String"},
        "ErrorCode": {"StringValue": "200", "DataType": "Number"},
        "ErrorMessage": {"StringValue": "no way", "DataType": "String"},
    }
    assert message["Attributes"]["AWSTraceHeader"].startswith("Root=")
    client.update_function_configuration(FunctionName=name, DeadLetterConfig={})
    deployment.wait_updated(name)
    assert "DeadLetterConfig" not in client.get_function_configuration(FunctionName=name)
