"""Many clients at once: every answer belongs to its question."""

import secrets
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from fakes.deployment import Deployment
from fakes.live_server import ACCESS_KEY, REGION, SECRET_KEY, LiveServer
from fakes.waiting import eventually

pytestmark = pytest.mark.root

CLIENTS = 32
CALLS_EACH = 25

# Fails now and then: with an exception, and seldom by its process's end.
FAILS_SOMETIMES = """
import os
def handler(event, context):
    print(event["token"])
    if event["fate"] == "raise":
        raise ValueError(event["token"])
    if event["fate"] == "exit":
        os._exit(3)
    return {"token": event["token"], "id": context.aws_request_id}
"""


def fate(number: int) -> str:
    if number % 20 == 7:
        return "exit"
    return "raise" if number % 5 == 3 else "answer"


def test_answers_belong_to_their_requests_though_some_fail(live_server: LiveServer, functions: Deployment) -> None:
    name = functions.deploy(FAILS_SOMETIMES)

    def call(_: int) -> int:
        own = Deployment(live_server.client("lambda"))
        for number in range(CALLS_EACH):
            token = secrets.token_hex(8)
            reply = own.invoke(name, {"token": token, "fate": fate(number)})
            assert [line for line in reply.log.splitlines() if token in line], "another invocation's log"
            assert reply.log.count("START RequestId") == 1
            if fate(number) == "answer":
                assert reply.value == {"token": token, "id": reply.request_id}
            elif fate(number) == "raise":
                assert (reply.error, reply.value["errorMessage"]) == ("ValueError", token)
            else:
                end = f"RequestId: {reply.request_id} Error: Runtime exited with error: exit status 3"
                assert (reply.error, reply.value["errorMessage"]) == ("Runtime.ExitError", end)
        return CALLS_EACH

    with ThreadPoolExecutor(CLIENTS) as pool:
        assert sum(pool.map(call, range(CLIENTS))) == CLIENTS * CALLS_EACH


def test_large_answers_of_many_clients_are_whole(functions: Deployment) -> None:
    name = functions.deploy("def handler(event, context):\n    return event * 3\n", MemorySize=512)

    def call(number: int) -> bool:
        event = f"{number:02}" * 200_000
        return functions.invoke(name, event).value == event * 3

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(call, range(16)))


def test_a_caller_that_hangs_up_disturbs_nobody(live_server: LiveServer, functions: Deployment) -> None:
    name = functions.deploy("import time\ndef handler(event, context):\n    time.sleep(event)\n    return event\n")
    functions.invoke(name, 0)
    logs = live_server.client("logs")

    def lines(word: str) -> int:
        return len(logs.filter_log_events(logGroupName=f"/aws/lambda/{name}", filterPattern=word)["events"])

    callers = [call_without_waiting(live_server, name, b"1") for _ in range(3)]
    eventually(lambda: lines('"START RequestId"') == 4, "they run")
    for caller in callers:
        caller.close()
    assert functions.invoke(name, 0).value == 0
    eventually(lambda: lines('"REPORT RequestId"') == 5, "what was begun is finished and billed")


def call_without_waiting(server: LiveServer, name: str, payload: bytes) -> socket.socket:
    """Send a signed invocation; the answer is yet to come."""
    path = f"/2015-03-31/functions/{name}/invocations"
    request = AWSRequest("POST", server.endpoint + path, {"Host": f"127.0.0.1:{server.port}"}, payload)
    SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "lambda", REGION).add_auth(request)
    headers = "".join(f"{key}: {value}\r\n" for key, value in request.headers.items())
    connection = socket.create_connection(("127.0.0.1", server.port))
    head = f"POST {path} HTTP/1.1\r\n{headers}Content-Length: {len(payload)}\r\n\r\n"
    connection.sendall(head.encode() + payload)
    return connection
