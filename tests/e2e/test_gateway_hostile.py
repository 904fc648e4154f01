"""An API on a hostile network: what clients may not do to it, nor to each other."""

import base64
import http.client
import json
import os
import random
import socket
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from fakes.deployment import Deployment
from fakes.http_api import HttpApi, make_api
from fakes.live_server import REGION, LiveServer

HANDLER = """
import time

def handler(event, context):
    time.sleep(float(event.get("queryStringParameters", {}).get("seconds", 0)))
    return {"statusCode": 200, "body": "route " + event["rawPath"]}
"""


@pytest.fixture(scope="module")
def api(live_server: LiveServer) -> Iterator[HttpApi]:
    deployment = Deployment(live_server.client("lambda"))
    name = deployment.deploy(HANDLER)
    made = make_api(live_server)
    made.route("$default", made.function(name))
    yield made
    made.client.delete_api(ApiId=made.id)
    deployment.client.delete_function(FunctionName=name)


def connected(api: HttpApi) -> socket.socket:
    return socket.create_connection(("127.0.0.1", api.server.port), timeout=60)


def said(sock: socket.socket) -> bytes:
    """All that comes until the server ends the connection, or says no more."""
    answer = b""
    try:
        while piece := sock.recv(65536):
            answer += piece
            sock.settimeout(0.5)
    except (TimeoutError, ConnectionResetError):
        pass
    return answer


# Chosen once: one in thousands would be a frame that says of itself that it is longer.
RANDOM = random.Random(1).randbytes(256)
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        b"Content-Length: 0\r\nContent-Length: 44\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length: 5 5\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Transfer-Encoding:\x0bchunked\r\n",
        b"X: a\r\n Transfer-Encoding: chunked\r\n",
        b"X: a\x00b\r\n",
    ],
)
def test_a_request_whose_length_can_be_read_in_two_ways_carries_no_second_one(api: HttpApi, head: bytes) -> None:
    with connected(api) as sock:
        sock.sendall(
            b"POST /first HTTP/1.1\r\nHost: " + api.host.encode() + b"\r\n" + head + b"\r\n0\r\n\r\n" + SMUGGLED
        )
        answer = said(sock)
    assert b"route /smuggled" not in answer and answer.count(b"HTTP/1.1 ") <= 1


@pytest.mark.parametrize("line", [b"GET /x HTTP/9.9", b"GET\t/x HTTP/1.1", b"G\x00T /x HTTP/1.1"])
def test_a_request_line_that_is_none_is_refused(api: HttpApi, line: bytes) -> None:
    with connected(api) as sock:
        sock.sendall(line + b"\r\nHost: " + api.host.encode() + b"\r\n\r\n")
        assert not said(sock).startswith(b"HTTP/1.1 200")


def test_requests_one_after_the_other_on_a_connection_have_their_own_answers(api: HttpApi) -> None:
    with connected(api) as sock:
        for name in (b"/one", b"/two"):
            sock.sendall(b"GET " + name + b" HTTP/1.1\r\nHost: " + api.host.encode() + b"\r\n\r\n")
            answer = b""
            while b"route " not in answer:
                answer += sock.recv(65536)
            assert answer.endswith(b"route " + name)


def test_who_asks_leave_to_send_too_much_is_refused_and_let_go(api: HttpApi) -> None:
    head = (
        b"POST /x HTTP/1.1\r\nHost: "
        + api.host.encode()
        + b"\r\nContent-Length: 10485761\r\nExpect: 100-continue\r\n\r\n"
    )
    with connected(api) as sock:
        sock.sendall(head)
        answer = said(sock)
    assert answer.startswith(b"HTTP/1.1 413") and b"connection: close" in answer.lower()


SAYS = """
import json

def handler(event, context):
    return json.loads(event["body"]) if event.get("body") else {"statusCode": 200, "body": "mine"}
"""
SPLIT = "1\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nX-Stolen: 1\r\nContent-Length: 6\r\n\r\nstolen"


@pytest.fixture(scope="module")
def doors(live_server: LiveServer) -> Iterator[list[tuple[str, str]]]:
    """Hosts and paths by which clients reach a function that answers what it is told."""
    deployment = Deployment(live_server.client("lambda"))
    name = deployment.deploy(SAYS)
    made = make_api(live_server)
    made.route("$default", made.function(name))
    functions = deployment.client
    url = functions.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]
    everybody = {"FunctionName": name, "Principal": "*"}
    functions.add_permission(
        **everybody, StatementId="url", Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE"
    )
    functions.add_permission(
        **everybody, StatementId="function", Action="lambda:InvokeFunction", InvokedViaFunctionUrl=True
    )
    own = f"127.0.0.1:{live_server.port}"
    yield [(made.host, "/a"), (own, f"/_stoker/api/{made.id}/a"), (own, urlsplit(url).path)]
    made.client.delete_api(ApiId=made.id)
    functions.delete_function(FunctionName=name)


@pytest.mark.parametrize(
    "answer",
    [
        {"headers": {"X-A": SPLIT}},
        {"headers": {SPLIT: "1"}},
        {"headers": {"X-A:": "1"}},
        {"headers": {"X-A": "a\x00b"}},
        {"headers": {"X-A": "\u2603"}},
        {"cookies": [SPLIT]},
        {"statusCode": SPLIT},
        {"statusCode": 101, "headers": {"Upgrade": "websocket"}},
        {"headers": {"Content-Length": "1", "Transfer-Encoding": "chunked", "Connection": "close", "Date": "never"}},
        {"headers": {"content-length": SPLIT}},
        {"headers": {"trailer": "X-Stolen"}, "body": "0\r\n\r\nHTTP/1.1 200 OK\r\nX-Stolen: 1\r\n\r\nstolen"},
        {"statusCode": 204, "body": SPLIT},
        {"statusCode": 304, "body": SPLIT},
    ],
)
def test_a_function_writes_its_own_answer_and_no_other(
    live_server: LiveServer, doors: list[tuple[str, str]], answer: dict[str, Any]
) -> None:
    said = json.dumps({"statusCode": 200, "body": "", **answer})
    for host, path in doors:
        connection = http.client.HTTPConnection("127.0.0.1", live_server.port, timeout=20)
        for method in ("POST", "HEAD"):
            connection.request(method, path, said, {"Host": host, "Content-Type": "application/json"})
            got = connection.getresponse()
            body = got.read()
            assert "X-Stolen" not in got.headers and not body.startswith(b"stolen")
            assert [len(got.headers.get_all(name) or []) for name in ("Date", "Connection")] == [1, 0]
            # What comes next on the connection is the answer to what is asked next.
            connection.request("GET", path, headers={"Host": host})
            assert connection.getresponse().read() == b"mine"
        connection.close()


def test_a_slow_function_and_idle_clients_hold_nobody_up(api: HttpApi) -> None:
    idle = [connected(api) for _ in range(300)]
    # First both of the environments that this takes are made, so that none starts while the slow one runs.
    for seconds in ("0.5", "6"):
        slow = threading.Thread(target=api.call, args=(f"/slow?seconds={seconds}",))
        slow.start()
        answers = [api.call("/fast").body for _ in range(5)]
        assert answers == [b"route /fast"] * 5
        held_up = not slow.is_alive()
        slow.join()
    assert not held_up
    for sock in idle:
        sock.close()


@pytest.mark.parametrize("frame", [b"\x81\x03abc", b"\xff" * 64, RANDOM, b"\x81\xff" + b"\xff" * 8 + b"mask"])
def test_what_is_no_websocket_frame_ends_the_connection_and_nothing_else(api: HttpApi, frame: bytes) -> None:
    client = api.client
    chat = client.create_api(Name="c", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.a")["ApiId"]
    integration = client.create_integration(ApiId=chat, IntegrationType="MOCK")["IntegrationId"]
    client.create_route(ApiId=chat, RouteKey="$connect", Target=f"integrations/{integration}")
    client.create_stage(ApiId=chat, StageName="dev", AutoDeploy=True)
    key = base64.b64encode(os.urandom(16))
    host = f"{chat}.execute-api.{REGION}.localhost".encode()
    with connected(api) as sock:
        sock.sendall(
            b"GET /dev HTTP/1.1\r\nHost: " + host + b"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + b"\r\n\r\n"
        )
        assert sock.recv(65536).startswith(b"HTTP/1.1 101")
        sock.sendall(frame)
        sock.settimeout(60)
        rest = b""
        while piece := sock.recv(65536):
            rest += piece
    assert rest[:1] == b"\x88"
    assert api.call("/still").body == b"route /still"
    client.delete_api(ApiId=chat)
