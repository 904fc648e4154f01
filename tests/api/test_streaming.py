"""Answers that stream: Node's own means, custom runtimes over the Runtime API, and clients that read them."""

import base64
import io
import json
import socket
import subprocess
import time
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from fakes.deployment import Deployment
from fakes.live_server import REGION, STOKER, LiveServer
from fakes.waiting import eventually
from fakes.zips import entry

NODE = "nodejs20.x"
MB = 1 << 20

NODE_HANDLER = """
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {
  const ask = event.rawPath ? event.rawPath.slice(1) : event;
  if (ask === 'fail-early') throw new RangeError('before');
  if (ask === 'http' || ask === 'broken') {
    const head = { statusCode: 418, headers: { 'X-Mine': 'yes', 'Content-Type': 'text/plain' }, cookies: ['a=1'] };
    stream = awslambda.HttpResponseStream.from(stream, head);
  } else {
    stream.setContentType('text/plain');
  }
  stream.write('one ');
  await wait(5);
  if (ask === 'fail-late' || ask === 'broken') throw new RangeError('after');
  if (ask === 'hang') await wait(60000);
  if (ask === 'leave') { console.log('wrote'); await wait(500); console.log('went on'); }
  if (typeof ask === 'number') {
    const piece = Buffer.alloc(65536, 'x');
    for (let sent = 0; sent < ask; sent += piece.length) {
      if (!stream.write(piece)) await new Promise((go) => stream.once('drain', go));
    }
    console.log('all written');
  }
  stream.end('two');
});
"""

# A runtime of one's own: what it says in answer to an event is the event's "raw", as it is.
BOOTSTRAP = """\
#!/usr/bin/python3
import http.client, json, os, socket

host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
BASE = "/2018-06-01/runtime/invocation/"

STREAMS = "Lambda-Runtime-Function-Response-Mode: streaming\\r\\nTransfer-Encoding: chunked\\r\\n"

def post(request_id, body, head=STREAMS):
    sock = socket.create_connection((host, int(port)))
    sock.settimeout(60)
    sock.sendall((f"POST {BASE}{request_id}/response HTTP/1.1\\r\\nHost: x\\r\\n{head}\\r\\n").encode())
    try:
        for part in body if isinstance(body, list) else [body]:
            sock.sendall(part.encode() if isinstance(part, str) else bytes(part["byte"] for _ in range(part["times"])))
        status = sock.recv(65536).split(b" ")[1].decode()
    except (OSError, IndexError) as error:
        status = type(error).__name__
    sock.close()
    return status

while True:
    connection = http.client.HTTPConnection(host, int(port))
    connection.request("GET", BASE + "next")
    answer = connection.getresponse()
    event = json.loads(answer.read())
    request_id = answer.headers["Lambda-Runtime-Aws-Request-Id"]
    connection.close()
    said = [post(request_id, body) for body in event["raw"]]
    print("said", json.dumps(said), flush=True)
"""


def custom_runtime(text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(entry("bootstrap", 0o100755), text)
    return buffer.getvalue()


def stream(client: Any, name: str, event: Any, **params: Any) -> tuple[bytes, dict[str, str]]:
    """What came, and how it ended."""
    answer = client.invoke_with_response_stream(FunctionName=name, Payload=json.dumps(event), **params)
    assert answer["ResponseMetadata"]["HTTPHeaders"]["content-type"] == "application/vnd.amazon.eventstream"
    came, end = b"", None
    for event in answer["EventStream"]:
        if "PayloadChunk" in event:
            assert end is None
            came += event["PayloadChunk"]["Payload"]
        else:
            end = event["InvokeComplete"]
    assert end is not None
    return came, end


@pytest.fixture(scope="module")
def node(live_server: LiveServer) -> Iterator[str]:
    functions = Deployment(live_server.client("lambda"))
    name = functions.deploy({"app.js": NODE_HANDLER}, Runtime=NODE, Timeout=5)
    url = {"AuthType": "NONE", "InvokeMode": "RESPONSE_STREAM"}
    assert functions.client.create_function_url_config(FunctionName=name, **url)["InvokeMode"] == "RESPONSE_STREAM"
    common = {"FunctionName": name, "Principal": "*"}
    action = {"Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"}
    functions.client.add_permission(**common, StatementId="url", **action)
    invoke = {"Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True}
    functions.client.add_permission(**common, StatementId="function", **invoke)
    yield name
    functions.client.delete_function(FunctionName=name)


@pytest.fixture(scope="module")
def custom(live_server: LiveServer) -> Iterator[str]:
    functions = Deployment(live_server.client("lambda"))
    name = functions.deploy(custom_runtime(BOOTSTRAP), Runtime="provided.al2023", Handler="any", Timeout=60)
    yield name
    functions.client.delete_function(FunctionName=name)


def test_a_node_function_streams_to_boto3(lambda_client: Any, node: str) -> None:
    came, end = stream(lambda_client, node, "hello", LogType="Tail")
    assert came == b"one two"
    assert set(end) == {"LogResult"}
    assert "REPORT RequestId" in base64.b64decode(end["LogResult"]).decode()


def test_pieces_arrive_while_the_function_still_writes(lambda_client: Any, node: str) -> None:
    answer = lambda_client.invoke_with_response_stream(FunctionName=node, Payload='"hang"')
    events = iter(answer["EventStream"])
    assert next(events)["PayloadChunk"]["Payload"] == b"one "
    arrived = time.monotonic()
    end = next(events)["InvokeComplete"]
    # It hung for five seconds, less what the first piece took on its way.
    assert time.monotonic() - arrived > 1.0
    assert (end["ErrorCode"], json.loads(end["ErrorDetails"])["errorType"]) == ("Unhandled", "Sandbox.Timedout")


def test_an_error_before_and_in_the_middle_of_a_stream_is_told_at_its_end(lambda_client: Any, node: str) -> None:
    for ask, expected, message in (("fail-early", b"", "before"), ("fail-late", b"one ", "after")):
        came, end = stream(lambda_client, node, ask)
        assert came == expected
        assert end["ErrorCode"] == "Unhandled"
        details = json.loads(end["ErrorDetails"])
        assert (details["errorType"], details["errorMessage"]) == ("RangeError", message)
    assert stream(lambda_client, node, "still there")[0] == b"one two"


def test_a_streaming_function_answers_an_ordinary_invoke_as_a_whole(lambda_client: Any, node: str) -> None:
    answer = lambda_client.invoke(FunctionName=node, Payload='"hello"')
    assert answer["Payload"].read() == b"one two"
    answer = lambda_client.invoke(FunctionName=node, Payload=str(7 * MB))
    assert json.loads(answer["Payload"].read())["errorType"] == "Function.ResponseSizeTooLarge"


def test_an_ordinary_function_answers_a_streaming_invoke_in_one_piece(lambda_client: Any) -> None:
    functions = Deployment(lambda_client)
    name = functions.deploy("def handler(event, context):\n    return 1 / event\n")
    assert stream(lambda_client, name, 2) == (b"0.5", {})
    came, end = stream(lambda_client, name, 0)
    assert came == b""
    assert json.loads(end["ErrorDetails"])["errorType"] == "ZeroDivisionError"
    lambda_client.delete_function(FunctionName=name)


def test_what_keeps_a_function_from_running_is_an_ordinary_error(lambda_client: Any, node: str) -> None:
    with pytest.raises(lambda_client.exceptions.ResourceNotFoundException):
        lambda_client.invoke_with_response_stream(FunctionName="nobody")
    answer = lambda_client.invoke_with_response_stream(FunctionName=node, InvocationType="DryRun")
    assert answer["StatusCode"] == 204


def url_host(client: Any, server: LiveServer, name: str) -> str:
    address = client.get_function_url_config(FunctionName=name)["FunctionUrl"]
    return f"{address.split('/')[5] if '/_stoker/' in address else address.split('/')[2].split('.')[0]}"


def curl(server: LiveServer, client: Any, name: str, path: str) -> subprocess.CompletedProcess[bytes]:
    host = f"{url_host(client, server, name)}.lambda-url.{REGION}.localhost"
    address = f"http://{host}:{server.port}/{path}"
    return subprocess.run(
        ["curl", "-sS", "-i", "--resolve", f"{host}:{server.port}:127.0.0.1", address],
        capture_output=True,
        timeout=120,
        check=False,
    )


def test_curl_gets_status_headers_and_cookies_of_the_prelude(
    live_server: LiveServer, lambda_client: Any, node: str
) -> None:
    done = curl(live_server, lambda_client, node, "http")
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 418")
    assert {b"x-mine: yes", b"content-type: text/plain", b"set-cookie: a=1"} <= set(head.split(b"\r\n"))
    assert (done.returncode, body) == (0, b"one two")


def test_without_a_prelude_the_body_comes_as_it_is(live_server: LiveServer, lambda_client: Any, node: str) -> None:
    done = curl(live_server, lambda_client, node, "plain")
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert b"content-type: text/plain" in head
    assert body == b"one two"


def test_a_url_whose_function_fails_answers_502_or_breaks_off(
    live_server: LiveServer, lambda_client: Any, node: str
) -> None:
    logged_before = live_server.log()
    assert curl(live_server, lambda_client, node, "fail-early").stdout.startswith(b"HTTP/1.1 502")
    broken = curl(live_server, lambda_client, node, "broken")
    assert broken.returncode == 18  # the transfer ended before its end
    assert broken.stdout.endswith(b"one ")
    # Nobody but the function's owner has to do with it.
    assert "without completing" not in live_server.log().removeprefix(logged_before)


def slow_reader(server: LiveServer, host: str, path: str) -> socket.socket:
    """A client of a URL that asks and reads nothing yet."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    client.settimeout(60)
    client.connect(("127.0.0.1", server.port))
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}.lambda-url.{REGION}.localhost\r\n\r\n".encode())
    return client


def resident_bytes(server: LiveServer) -> int:
    assert server.process is not None
    with open(f"/proc/{server.process.pid}/statm") as file:
        return int(file.read().split()[1]) * 4096


def logged(logs_client: Any, name: str, text: str) -> list[str]:
    try:
        found = logs_client.filter_log_events(logGroupName=f"/aws/lambda/{name}", filterPattern=f'"{text}"')
    except logs_client.exceptions.ResourceNotFoundException:
        # It has written nothing yet.
        return []
    return [event["message"] for event in found["events"]]


def test_a_client_that_does_not_read_stops_the_function_and_costs_no_memory(
    live_server: LiveServer, lambda_client: Any, logs_client: Any
) -> None:
    functions = Deployment(lambda_client)
    name = functions.deploy({"app.js": PUSHER}, Runtime=NODE, Timeout=300)
    before = resident_bytes(live_server)
    answer = lambda_client.invoke_with_response_stream(FunctionName=name, Payload=str(100 * MB))
    # All sockets on the way are full once the function's own count stands still.
    marks = eventually(lambda: stalled(logs_client, name), "the function waits")
    assert marks < 50 * MB
    assert resident_bytes(live_server) - before < 40 * MB
    came = sum(len(event.get("PayloadChunk", {}).get("Payload", b"")) for event in answer["EventStream"])
    assert came == 100 * MB
    lambda_client.delete_function(FunctionName=name)


PUSHER = """
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  const piece = Buffer.alloc(65536, 'x');
  let sent = 0;
  const watch = setInterval(() => console.log('sent', sent), 100);
  for (; sent < event; sent += piece.length) {
    if (!stream.write(piece)) await new Promise((go) => stream.once('drain', go));
  }
  clearInterval(watch);
  console.log('all written');
  stream.end();
});
"""


def stalled(logs_client: Any, name: str) -> int:
    """How much the function had written when it stood still for three reports; 0 while it moves on."""
    counts = [int(line.split("sent")[1]) for line in logged(logs_client, name, "sent")]
    return counts[-1] if len(counts) > 3 and counts[-3] == counts[-1] else 0


def test_a_client_that_goes_away_does_not_stop_the_function(
    live_server: LiveServer, lambda_client: Any, logs_client: Any, node: str
) -> None:
    client = slow_reader(live_server, url_host(lambda_client, live_server, node), "/leave")
    came = b""
    while b"one" not in came:
        came += client.recv(65536)
    client.close()
    eventually(lambda: logged(logs_client, node, "went on"), "the function goes on")


def test_streamed_bytes_beyond_6_mb_are_billed(own_server: LiveServer) -> None:
    own_server.start()
    functions = Deployment(own_server.client("lambda"))
    name = functions.deploy({"app.js": PUSHER}, Runtime=NODE, Timeout=300)
    assert len(stream(functions.client, name, 8 * MB)[0]) == 8 * MB
    functions.client.invoke(FunctionName=name, Payload=str(MB))
    command = [str(STOKER), "bill", "--json"]
    bill = json.loads(subprocess.run(command, env=own_server.env, capture_output=True, check=True, timeout=300).stdout)
    assert bill["total"]["streamedGb"] == pytest.approx(2 * MB / (1 << 30))
    assert bill["freeTier"]["streamedGb"] == bill["total"]["streamedGb"]


def chunk(text: str) -> str:
    return f"{len(text):x}\r\n{text}\r\n"


def trailers(**named: str) -> str:
    return "0\r\n" + "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in named.items()) + "\r\n"


def test_a_custom_runtime_streams_and_says_errors_in_trailers(lambda_client: Any, custom: str) -> None:
    assert stream(lambda_client, custom, {"raw": [chunk("ab") + chunk("cd") + trailers()]}) == (b"abcd", {})
    error = base64.b64encode(b'{"errorType":"My.Error","errorMessage":"no"}').decode()
    ends = trailers(Lambda_Runtime_Function_Error_Type="My.Error", Lambda_Runtime_Function_Error_Body=error)
    came, end = stream(lambda_client, custom, {"raw": [chunk("ab") + ends]})
    assert came == b"ab"
    assert json.loads(end["ErrorDetails"])["errorType"] == "My.Error"


def test_trailers_that_lie_harm_nobody(lambda_client: Any, custom: str) -> None:
    lies = {"Lambda_Runtime_Function_Error_Type": "x" * 300, "Lambda_Runtime_Function_Error_Body": "%%% no base64"}
    came, end = stream(lambda_client, custom, {"raw": [chunk("ab") + trailers(**lies)]})
    assert (came, end["ErrorDetails"]) == (b"ab", "%%% no base64")
    came, end = stream(lambda_client, custom, {"raw": [chunk("ab") + trailers(Expect="100-continue", Host="other")]})
    assert (came, end) == (b"ab", {})


def test_a_chunk_header_without_an_end_is_broken_off(lambda_client: Any, custom: str) -> None:
    endless = [chunk("ab"), "5;", {"byte": 97, "times": 3 * MB}]
    came, end = stream(lambda_client, custom, {"raw": [endless]})
    assert came == b"ab"
    assert json.loads(end["ErrorDetails"])["errorType"] == "Runtime.TruncatedResponse"
    assert stream(lambda_client, custom, {"raw": [chunk("next") + trailers()]})[0] == b"next"


def test_a_stream_after_an_answer_is_refused(lambda_client: Any, logs_client: Any, custom: str) -> None:
    whole = chunk("first") + trailers()
    assert stream(lambda_client, custom, {"raw": [whole, whole]})[0] == b"first"

    # Not the number alone: a request's id may have it.
    def refused() -> list[str]:
        return [line for line in logged(logs_client, custom, "said") if "403" in line]

    assert eventually(refused, "a refused stream")[0] == 'said ["202", "403"]\n'
    assert stream(lambda_client, custom, {"raw": [whole]})[0] == b"first"


def test_a_flood_of_tiny_chunks_arrives(lambda_client: Any, custom: str) -> None:
    came, end = stream(lambda_client, custom, {"raw": [chunk("y") * 100_000 + trailers()]})
    assert (len(came), end) == (100_000, {})
