"""Messages as boto3's users see them, against a live server."""

import hashlib
import http.client
import json
import threading
import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from fakes.live_server import ACCESS_KEY, REGION, SECRET_KEY, LiveServer
from fakes.waiting import eventually


@pytest.fixture
def sqs(live_server: LiveServer) -> Any:
    return live_server.client("sqs")


@pytest.fixture
def queue(sqs: Any) -> Callable[..., str]:
    def create(name: str = "", **attributes: str) -> str:
        fifo = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
        unique = f"q{uuid.uuid4().hex}{name}"
        url: str = sqs.create_queue(QueueName=unique, Attributes={**fifo, **attributes})["QueueUrl"]
        return url

    return create


def arn_of(sqs: Any, url: str) -> str:
    arn: str = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return arn


def bodies(answer: Any) -> list[str]:
    return [message["Body"] for message in answer.get("Messages", [])]


def refused(call: Callable[[], Any]) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as caught:
        call()
    answer: Any = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Message"]


def test_a_message_is_sent_received_and_deleted(sqs: Any, queue: Callable[..., str]) -> None:
    url = queue()
    sent = sqs.send_message(QueueUrl=url, MessageBody="hellö")
    assert sent["MD5OfMessageBody"] == hashlib.md5("hellö".encode()).hexdigest()
    (message,) = sqs.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"]
    assert (message["MessageId"], message["Body"]) == (sent["MessageId"], "hellö")
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert abs(int(message["Attributes"]["SentTimestamp"]) / 1000 - time.time()) < 60
    assert bodies(sqs.receive_message(QueueUrl=url)) == []
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["ApproximateNumberOfMessages"] == attributes["ApproximateNumberOfMessagesNotVisible"] == "0"


def test_attributes_come_back_as_they_were_sent_with_the_md5_that_clients_check(
    sqs: Any, queue: Callable[..., str]
) -> None:
    url = queue()
    attributes = {
        "word": {"DataType": "String", "StringValue": "väl"},
        "number": {"DataType": "Number.int", "StringValue": "-1.5e3"},
        "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    trace = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793"}}
    # botocore compares the MD5s that it calculates by itself.
    sent = sqs.send_message(QueueUrl=url, MessageBody="x", MessageAttributes=attributes, MessageSystemAttributes=trace)
    assert sent["MD5OfMessageSystemAttributes"] != sent["MD5OfMessageAttributes"]
    (message,) = sqs.receive_message(
        QueueUrl=url, MessageAttributeNames=["All"], MessageSystemAttributeNames=["AWSTraceHeader"]
    )["Messages"]
    assert message["MessageAttributes"] == attributes
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert message["Attributes"] == {"AWSTraceHeader": trace["AWSTraceHeader"]["StringValue"]}


def test_a_long_poll_is_woken_by_the_arrival(sqs: Any, queue: Callable[..., str]) -> None:
    url = queue()
    got: list[tuple[list[str], float]] = []

    def wait() -> None:
        got.append((bodies(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)), time.monotonic()))

    waiter = threading.Thread(target=wait)
    waiter.start()
    sent_at = time.monotonic()
    sqs.send_message(QueueUrl=url, MessageBody="wake up")
    waiter.join()
    assert got[0][0] == ["wake up"]
    assert got[0][1] - sent_at < 19
    assert bodies(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)) == []


def test_who_goes_away_while_waiting_takes_no_message_along(
    live_server: LiveServer, sqs: Any, queue: Callable[..., str]
) -> None:
    url = queue(VisibilityTimeout="600")
    body = json.dumps({"QueueUrl": url, "WaitTimeSeconds": 20})
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.ReceiveMessage"}
    request = AWSRequest(method="POST", url=f"{live_server.endpoint}/", data=body, headers=headers)
    SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "sqs", REGION).add_auth(request)
    gone = [http.client.HTTPConnection("127.0.0.1", live_server.port) for _ in range(3)]
    for connection in gone:
        connection.request("POST", "/", body, dict(request.headers))
    # Whoever waits longest is served first: answers to these say that the three are waiting.
    assert bodies(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)) == []
    for connection in gone:
        connection.close()
    sqs.send_message(QueueUrl=url, MessageBody="for who is there")
    assert bodies(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)) == ["for who is there"]


def test_a_message_that_was_not_deleted_comes_back_and_a_late_delete_does_nothing(
    sqs: Any, queue: Callable[..., str]
) -> None:
    url = queue()
    sqs.send_message(QueueUrl=url, MessageBody="again")
    (first,) = sqs.receive_message(QueueUrl=url, VisibilityTimeout=600)["Messages"]
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0)
    (second,) = sqs.receive_message(QueueUrl=url, AttributeNames=["ApproximateReceiveCount"])["Messages"]
    assert second["Attributes"] == {"ApproximateReceiveCount": "2"}
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    numbers = ["ApproximateNumberOfMessagesNotVisible"]
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=numbers)["Attributes"] == {numbers[0]: "1"}
    sqs.delete_message(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"])
    sqs.delete_message(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"])


def test_a_delayed_message_comes_when_its_delay_is_over(sqs: Any, queue: Callable[..., str]) -> None:
    url = queue(DelaySeconds="900")
    sqs.send_message(QueueUrl=url, MessageBody="later")
    sqs.send_message(QueueUrl=url, MessageBody="sooner", DelaySeconds=4)
    numbers = ["ApproximateNumberOfMessagesDelayed"]
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=numbers)["Attributes"] == {numbers[0]: "2"}
    assert bodies(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)) == ["sooner"]


def test_batches_answer_for_each_entry(sqs: Any, queue: Callable[..., str]) -> None:
    url = queue()
    entries: list[dict[str, Any]] = [{"Id": f"e{n}", "MessageBody": f"m{n}"} for n in range(3)]
    entries.append({"Id": "bad", "MessageBody": "x", "DelaySeconds": 901})
    sent = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert [entry["Id"] for entry in sent["Successful"]] == ["e0", "e1", "e2"]
    assert [(entry["Id"], entry["Code"], entry["SenderFault"]) for entry in sent["Failed"]] == [
        ("bad", "InvalidParameterValue", True)
    ]
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert sorted(message["Body"] for message in messages) == ["m0", "m1", "m2"]
    handles = [{"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]} for n, message in enumerate(messages)]
    sqs.change_message_visibility_batch(QueueUrl=url, Entries=[{**each, "VisibilityTimeout": 60} for each in handles])
    deleted = sqs.delete_message_batch(QueueUrl=url, Entries=[*handles, {"Id": "no", "ReceiptHandle": "forged"}])
    assert [entry["Id"] for entry in deleted["Successful"]] == ["0", "1", "2"]
    assert [(entry["Id"], entry["Code"]) for entry in deleted["Failed"]] == [("no", "ReceiptHandleIsInvalid")]


def test_a_fifo_queue_keeps_each_group_in_order_and_one_at_a_time(sqs: Any, queue: Callable[..., str]) -> None:
    url = queue(".fifo", ContentBasedDeduplication="true")
    for n in range(3):
        for group in ("a", "b"):
            sqs.send_message(QueueUrl=url, MessageBody=f"{group}{n}", MessageGroupId=group)
    first = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1, AttributeNames=["All"])["Messages"][0]
    assert first["Body"] == "a0"
    assert first["Attributes"]["MessageGroupId"] == "a"
    others = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    assert bodies(others) == ["b0", "b1", "b2"]
    assert bodies(sqs.receive_message(QueueUrl=url)) == []
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    assert bodies(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)) == ["a1", "a2"]


def test_a_duplicate_is_accepted_and_not_delivered(sqs: Any, queue: Callable[..., str]) -> None:
    url = queue(".fifo")
    first = sqs.send_message(QueueUrl=url, MessageBody="1", MessageGroupId="g", MessageDeduplicationId="d")
    again = sqs.send_message(QueueUrl=url, MessageBody="2", MessageGroupId="h", MessageDeduplicationId="d")
    assert (again["MessageId"], again["SequenceNumber"]) == (first["MessageId"], first["SequenceNumber"])
    assert bodies(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)) == ["1"]


def test_the_same_attempt_gets_the_same_messages(sqs: Any, queue: Callable[..., str]) -> None:
    url = queue(".fifo", ContentBasedDeduplication="true")
    sqs.send_message(QueueUrl=url, MessageBody="once", MessageGroupId="g")
    got = [sqs.receive_message(QueueUrl=url, ReceiveRequestAttemptId="try")["Messages"] for _ in range(2)]
    assert got[0] == got[1]
    assert bodies(sqs.receive_message(QueueUrl=url, ReceiveRequestAttemptId="other")) == []


@pytest.mark.parametrize("suffix", ["", ".fifo"])
def test_a_message_received_too_often_goes_to_the_dead_letter_queue_and_back(
    sqs: Any, queue: Callable[..., str], suffix: str
) -> None:
    dead = queue(suffix)
    policy = f'{{"deadLetterTargetArn":"{arn_of(sqs, dead)}","maxReceiveCount":2}}'
    url = queue(suffix, RedrivePolicy=policy, VisibilityTimeout="0")
    group = {"MessageGroupId": "g", "MessageDeduplicationId": "d"} if suffix else {}
    sent = sqs.send_message(QueueUrl=url, MessageBody="poison", **group)
    assert [bodies(sqs.receive_message(QueueUrl=url)) for _ in range(3)] == [["poison"], ["poison"], []]
    (message,) = sqs.receive_message(QueueUrl=dead, VisibilityTimeout=0, AttributeNames=["All"])["Messages"]
    assert message["MessageId"] == sent["MessageId"]
    assert message["Attributes"]["DeadLetterQueueSourceArn"] == arn_of(sqs, url)
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]

    sqs.start_message_move_task(SourceArn=arn_of(sqs, dead))

    def tasks() -> Any:
        found = sqs.list_message_move_tasks(SourceArn=arn_of(sqs, dead))["Results"]
        return [task for task in found if task["Status"] == "COMPLETED"]

    (task,) = eventually(tasks, "the move to end")
    assert task["ApproximateNumberOfMessagesMoved"] == 1
    (back,) = sqs.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"]
    assert (back["Body"], back["Attributes"]["ApproximateReceiveCount"]) == ("poison", "1")


def test_a_queue_that_is_its_own_dead_letter_queue_harms_nobody(sqs: Any, queue: Callable[..., str]) -> None:
    url = queue(VisibilityTimeout="0")
    policy = f'{{"deadLetterTargetArn":"{arn_of(sqs, url)}","maxReceiveCount":1}}'
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": policy})
    sqs.send_message(QueueUrl=url, MessageBody="round and round")
    for _ in range(4):
        assert bodies(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)) == ["round and round"]


def test_receipts_cannot_be_forged_or_used_on_another_queue(sqs: Any, queue: Callable[..., str]) -> None:
    url, other = queue(), queue()
    sqs.send_message(QueueUrl=url, MessageBody="mine")
    handle = sqs.receive_message(QueueUrl=url)["Messages"][0]["ReceiptHandle"]
    forged = handle[:-6] + ("AAAAAA" if not handle.endswith("AAAAAA") else "BBBBBB")
    for where, what in ((url, forged), (other, handle), (url, "nonsense")):
        code, status, text = refused(partial(sqs.delete_message, QueueUrl=where, ReceiptHandle=what))
        assert (code, status) == ("ReceiptHandleIsInvalid", 400)
        assert "is not a valid receipt handle" in text


def test_a_message_of_one_mebibyte_is_taken_and_a_byte_more_is_not(sqs: Any, queue: Callable[..., str]) -> None:
    url = queue()
    sqs.send_message(QueueUrl=url, MessageBody="x" * 1_048_576)
    assert len(sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"]) == 1_048_576
    assert refused(lambda: sqs.send_message(QueueUrl=url, MessageBody="x" * 1_048_577)) == (
        "InvalidParameterValue",
        400,
        "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.",
    )


def test_what_was_acknowledged_is_there_after_kill_9(own_server: LiveServer) -> None:
    own_server.start()
    client = own_server.client("sqs")
    url = client.create_queue(QueueName="kept")["QueueUrl"]
    sent: list[str] = []

    def send() -> None:
        try:
            while True:
                body = uuid.uuid4().hex
                own_server.client("sqs").send_message(QueueUrl=url, MessageBody=body)
                sent.append(body)
        except Exception:
            return  # the server was killed

    senders = [threading.Thread(target=send) for _ in range(3)]
    for sender in senders:
        sender.start()
    eventually(lambda: len(sent) > 60, "some messages to be sent")
    own_server.kill()
    for sender in senders:
        sender.join()
    own_server.start()
    found: set[str] = set()
    while messages := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        found |= {message["Body"] for message in messages}
    assert set(sent) <= found
