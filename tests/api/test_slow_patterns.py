"""Functions and clients that bring patterns without an end: they are told, and others are served meanwhile."""

import json
import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fakes.deployment import Deployment
from fakes.live_server import LiveServer

SLOW = "%[a-z]*[a-z]*[a-z]*[a-z]*[a-z]*[a-z]*[0-9]%"
# Its own line, its own calls; what is answered is the code of each.
HOSTILE = """import boto3, json
from botocore.exceptions import ClientError
from botocore.config import Config
def handler(event, context):
    print("a" * 200_000)
    told = {}
    config = Config(parameter_validation=False, read_timeout=15, retries={"max_attempts": 0})
    for service, call, params in event:
        try:
            getattr(boto3.client(service, config=config), call)(**params)
            told[f"{service} {call}"] = "taken"
        except ClientError as error:
            told[f"{service} {call}"] = error.response["Error"]["Code"]
    return told
"""
ARN = "arn:aws" + ":kinesis::000000000000:" * 50_000
HEADER = " " * 500 + "\x01"
TARGET = {
    "Id": "1",
    "Arn": "arn:aws:sqs:us-east-1:000000000000:q",
    "HttpParameters": {"HeaderParameters": {"a": HEADER}},
}
POLICY = json.dumps({"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::${" + " " * 1500}})


@pytest.fixture
def hostile(lambda_client: Any) -> Deployment:
    return Deployment(lambda_client)


def test_a_function_s_hostile_parameters_are_refused_and_others_served(
    live_server: LiveServer, hostile: Deployment
) -> None:
    name = hostile.deploy(HOSTILE, Timeout=60)
    calls = [
        ("kinesis", "describe_stream", {"StreamARN": ARN}),
        ("kinesis", "describe_stream_consumer", {"ConsumerARN": ARN}),
        ("events", "put_targets", {"Rule": "r", "Targets": [TARGET]}),
        ("sts", "get_federation_token", {"Name": "a", "Policy": POLICY}),
    ]
    told = hostile.invoke(name, calls).value
    assert told["kinesis describe_stream"] == told["kinesis describe_stream_consumer"] == "ValidationException"
    assert set(told.values()) <= {"ValidationException", "AccessDenied", "AccessDeniedException", "NotImplemented"}, (
        told
    )
    assert live_server.client("sts").get_caller_identity()["Account"] == "000000000000"


@pytest.mark.parametrize("pattern", [SLOW, f"[a = {SLOW}]"])
def test_a_search_that_never_ends_is_given_up_and_others_are_served_meanwhile(
    live_server: LiveServer, hostile: Deployment, pattern: str
) -> None:
    name = hostile.deploy(HOSTILE)
    hostile.invoke(name, [])
    searching, answers = threading.Event(), list[str]()

    def search() -> None:
        searching.set()
        with pytest.raises(ClientError) as refused:
            live_server.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}", filterPattern=pattern)
        answers.append(str(refused.value))

    searcher = threading.Thread(target=search)
    searcher.start()
    searching.wait()
    while not answers and searcher.is_alive():
        assert live_server.client("sts").get_caller_identity()["Account"] == "000000000000"
    searcher.join()
    assert "takes too long" in answers[0]
    # Whoever answers searches sees what came since, each of them.
    since = hostile.deploy(HOSTILE)
    hostile.invoke(since, [])
    for _ in range(4):
        assert live_server.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{since}")["events"]
