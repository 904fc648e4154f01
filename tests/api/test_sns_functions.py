"""Functions as those who are told: by rules and by topics, if their policies let them; and the AWS CLI."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fakes.deployment import Deployment
from fakes.destinations import WatchedQueue
from fakes.live_server import LiveServer
from fakes.waiting import eventually

TELLS = """
    import json
    def handler(event, context):
        print("GOT", json.dumps(event))
"""


@pytest.fixture
def told(lambda_client: Any) -> str:
    """A function that says what it gets."""
    return Deployment(lambda_client).deploy(TELLS)


def heard(server: LiveServer, name: str) -> list[Any]:
    logs = server.client("logs")
    try:
        found = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}", filterPattern="GOT")["events"]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [json.loads(event["message"].removeprefix("GOT ")) for event in found]


def allow(client: Any, name: str, service: str, source: str) -> str:
    client.add_permission(
        FunctionName=name,
        StatementId="told",
        Action="lambda:InvokeFunction",
        Principal=service,
        SourceArn=source,
    )
    arn: str = client.get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    return arn


def test_a_topic_calls_a_function_with_aws_s_event(live_server: LiveServer, lambda_client: Any, told: str) -> None:
    sns = live_server.client("sns")
    topic = sns.create_topic(Name="tells-function")["TopicArn"]
    function = allow(lambda_client, told, "sns.amazonaws.com", topic)
    made = sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function)
    attributes = {"k": {"DataType": "String", "StringValue": "v"}}
    sent = sns.publish(TopicArn=topic, Message="m", MessageAttributes=attributes)
    (event,) = eventually(lambda: heard(live_server, told), "the function was called")
    (record,) = event["Records"]
    assert record["EventSource"] == "aws:sns"
    assert record["EventVersion"] == "1.0"
    assert record["EventSubscriptionArn"] == made["SubscriptionArn"]
    sns_part = record["Sns"]
    assert sns_part.keys() == {
        "Type",
        "MessageId",
        "TopicArn",
        "Subject",
        "Message",
        "Timestamp",
        "SignatureVersion",
        "Signature",
        "SigningCertUrl",
        "UnsubscribeUrl",
        "MessageAttributes",
    }
    assert (sns_part["MessageId"], sns_part["Message"], sns_part["Subject"]) == (sent["MessageId"], "m", None)
    assert sns_part["MessageAttributes"] == {"k": {"Type": "String", "Value": "v"}}


def test_a_rule_calls_a_function_only_if_its_policy_says_so(
    live_server: LiveServer, lambda_client: Any, told: str
) -> None:
    events, dead = live_server.client("events"), WatchedQueue(live_server, "rule-may-not")
    rule = events.put_rule(Name="tells-function", EventPattern='{"source": ["tells"]}')["RuleArn"]
    function = lambda_client.get_function(FunctionName=told)["Configuration"]["FunctionArn"]
    target = {"Id": "f", "Arn": function, "DeadLetterConfig": {"Arn": dead.arn}}
    events.put_targets(Rule="tells-function", Targets=[target])
    entry = {"Source": "tells", "DetailType": "t", "Detail": "{}"}
    events.put_events(Entries=[entry])
    (message,) = dead.messages()
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    allow(lambda_client, told, "events.amazonaws.com", rule)
    sent = events.put_events(Entries=[entry])
    (event,) = eventually(lambda: heard(live_server, told), "the function was called")
    assert event["id"] == sent["Entries"][0]["EventId"]


def aws(server: LiveServer, *arguments: str) -> Any:
    """The AWS CLI as it comes."""
    command = [str(Path(sys.executable).with_name("aws")), *arguments, "--output", "json"]
    ran = subprocess.run(command, env=server.env, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout or "null")


def test_the_aws_cli_publishes_schedules_and_puts_events(live_server: LiveServer) -> None:
    topic = aws(live_server, "sns", "create-topic", "--name", "by-cli")["TopicArn"]
    assert aws(live_server, "sns", "publish", "--topic-arn", topic, "--message", "m")["MessageId"]
    entries = json.dumps([{"Source": "cli", "DetailType": "t", "Detail": "{}"}])
    assert aws(live_server, "events", "put-events", "--entries", entries)["FailedEntryCount"] == 0
    buses = aws(live_server, "events", "list-event-buses")["EventBuses"]
    assert "default" in [bus["Name"] for bus in buses]
    groups = aws(live_server, "scheduler", "list-schedule-groups")["ScheduleGroups"]
    assert groups[0]["State"] == "ACTIVE"
