"""Services reach functions and queues where policies let them, and functions nothing that their roles may not."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fakes import roles
from fakes.deployment import Deployment
from fakes.destinations import WatchedQueue
from fakes.live_server import LiveServer

HELLO = "def handler(event, context):\n    return 'here'\n"


@pytest.fixture
def powerless(live_server: LiveServer) -> str:
    """A role that Lambda may assume and that may nothing."""
    made = live_server.client("iam").create_role(
        RoleName=f"powerless-{uuid.uuid4().hex[:8]}", AssumeRolePolicyDocument=roles.LAMBDA_TRUST
    )
    arn: str = made["Role"]["Arn"]
    return arn


def refusal(call: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"
    return str(caught.value.response["Error"]["Message"])


@pytest.mark.root
def test_a_rule_calls_a_function_by_its_policy_and_for_the_source_that_it_names(live_server: LiveServer) -> None:
    functions = Deployment(live_server.client("lambda"))
    name = functions.deploy(HELLO)
    arn = functions.client.get_function_configuration(FunctionName=name)["FunctionArn"]
    events = live_server.client("events")
    dead, told = (WatchedQueue(live_server, f"{name}-{end}") for end in ("dead", "told"))
    functions.client.put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": told.arn}}
    )
    rule = events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))["RuleArn"]
    events.put_targets(Rule=name, Targets=[{"Id": "f", "Arn": arn, "DeadLetterConfig": {"Arn": dead.arn}}])

    def send(detail: str) -> None:
        events.put_events(Entries=[{"Source": name, "DetailType": detail, "Detail": "{}"}])

    def grant(sid: str, source_arn: str) -> None:
        functions.client.add_permission(
            FunctionName=name,
            StatementId=sid,
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=source_arn,
        )

    send("nobody may")
    assert dead.messages()[0]["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    grant("another-account", rule.replace("000000000000", "111111111111"))
    send("another may")
    assert dead.bodies()[0]["detail-type"] == "another may"
    grant("this", rule)
    send("this may")
    assert told.bodies()[0]["requestPayload"]["detail-type"] == "this may"
    events.remove_targets(Rule=name, Ids=["f"])


def test_a_role_has_to_be_allowed_what_its_function_is_to_do(live_server: LiveServer, powerless: str) -> None:
    client = live_server.client("lambda")
    name = Deployment(client).deploy(HELLO, Role=powerless)
    queue = WatchedQueue(live_server, f"{name}-queue")
    may_not = "The provided execution role does not have permissions to call {} on {}"
    # The queue's policy lets everybody send, but not receive.
    assert refusal(client.create_event_source_mapping, FunctionName=name, EventSourceArn=queue.arn) == may_not.format(
        "ReceiveMessage", "SQS"
    )
    own = client.get_function_configuration(FunctionName=name)["FunctionArn"]
    wanted = {"OnSuccess": {"Destination": own.replace(name, "neighbour")}}
    assert refusal(
        client.put_function_event_invoke_config, FunctionName=name, DestinationConfig=wanted
    ) == may_not.format("InvokeFunction", "Lambda")
    live_server.client("sqs").set_queue_attributes(QueueUrl=queue.url, Attributes={"Policy": ""})
    target = {"TargetArn": queue.arn}
    assert refusal(client.update_function_configuration, FunctionName=name, DeadLetterConfig=target) == may_not.format(
        "SendMessage", "SQS"
    )
