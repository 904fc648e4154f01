"""Calls of the queues' and tables' APIs on the short way: nobody can tell which way his answer came."""

import http.client
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from front_door_house import House
from test_front_door_express import Short, ask
from test_front_door_server import request_head, wait_until

from stoker.wire.message import Request, Response

JSON = "application/x-amz-json-1.0"
# A header that leaves the call what it is, but not one of those that the short way knows.
ORDINARY = {"Accept-Language": "en"}


class Calls(Short):
    """Counts the calls that went the short way."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.short = 0
        serve = house.door.answer_whole

        async def answer_whole(request: Request, until_gone: Callable[[], Awaitable[None]]) -> Response:
            self.short += 1
            return await serve(request, until_gone)

        house.door.answer_whole = answer_whole  # type: ignore[method-assign]

    def request(
        self, target: str = "AmazonSQS.ListQueues", body: bytes = b"{}", service: str = "sqs", **headers: str
    ) -> bytes:
        named = {"X-Amz-Target": target, "Content-Type": JSON, **headers}
        return request_head("POST", "/", self.house.sign("POST", "/", body, named, service=service)) + body


@pytest.fixture
def calls(house: House) -> Iterator[Calls]:
    server = Calls(house)
    yield server
    server.close()


def seen(answer: http.client.HTTPResponse) -> Any:
    """All of an answer but the id that each has of its own."""
    headers = sorted((name.lower(), value) for name, value in answer.headers.items())
    body: bytes = answer.body  # type: ignore[attr-defined]
    return answer.status, [each for each in headers if each[0] != "x-amzn-requestid"], body


def test_boto3_s_call_goes_the_short_way(calls: Calls) -> None:
    answer = calls.client("sqs").list_queues(QueueNamePrefix="ü")
    assert answer["QueueUrls"] == ["ü", "127.0.0.1", "us-east-1"]
    assert calls.short == 1


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("AmazonSQS.ListQueues", b'{"QueueNamePrefix": "a"}'),
        ("AmazonSQS.ListQueues", b'{"QueueNamePrefix": '),
        ("AmazonSQS.ListQueues", b'{"MaxResults": "many"}'),
        ("AmazonSQS.CreateQueue", b'{"QueueName": "q"}'),
        ("AmazonSQS.Nonsense", b"{}"),
        ("DynamoDB_20120810.ListTables", b"{}"),
    ],
)
def test_both_ways_answer_alike(calls: Calls, target: str, body: bytes) -> None:
    service = "dynamodb" if target.startswith("Dynamo") else "sqs"
    one = ask(calls, calls.request(target, body, service))
    assert calls.short == 1
    assert seen(one) == seen(ask(calls, calls.request(target, body, service, **ORDINARY)))
    assert calls.short == 1


def test_both_ways_refuse_a_forged_call_alike(calls: Calls) -> None:
    one, other = (calls.request(body=b'{"MaxResults": 1}', **headers) for headers in ({}, ORDINARY))
    answers = [seen(ask(calls, each.replace(b'"MaxResults": 1', b'"MaxResults": 9'))) for each in (one, other)]
    assert answers[0] == answers[1]
    assert (answers[0][0], json.loads(answers[0][2])["__type"]) == (403, "InvalidSignatureException")
    assert calls.short == 1


@pytest.mark.parametrize(
    ("service", "headers"),
    [
        ("sqs", ORDINARY),
        ("sqs", {"Origin": "http://evil.example"}),
        ("sqs", {"User-Agent": "Mozilla/5.0"}),
        ("sqs", {"Transfer-Encoding": "identity"}),
        # What it is signed for is not what the header names, or answers with streams.
        ("dynamodb", {}),
        ("logs", {"X-Amz-Target": "Logs_20140328.StartLiveTail"}),
    ],
)
def test_what_is_no_plain_call_goes_the_ordinary_way(calls: Calls, service: str, headers: dict[str, str]) -> None:
    with calls.connect() as sock:
        sock.sendall(calls.request(service=service, **headers))
        assert sock.recv(4096).startswith(b"HTTP/1.1 ")
    assert calls.short == 0


def test_a_call_that_waits_hears_when_its_client_has_gone(calls: Calls) -> None:
    body = b'{"QueueUrl": "http://here/000000000000/q", "WaitTimeSeconds": 20}'
    with calls.connect() as sock:
        sock.sendall(calls.request("AmazonSQS.ReceiveMessage", body))
        wait_until(calls.house.queues.waiting.is_set)
        assert not calls.house.queues.left.is_set()
    wait_until(calls.house.queues.left.is_set)
    assert calls.short == 1
    wait_until(lambda: not calls.listener.busy)
    assert calls.listener._state.body_bytes == 0
