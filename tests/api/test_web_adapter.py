"""Web servers that know nothing of Lambda, under the example's adapter layer: its protocol over the Runtime API."""

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.deployment import Deployment
from fakes.live_server import LiveServer
from fakes.zips import zip_of

pytestmark = pytest.mark.root

EXAMPLE = Path(__file__).parents[2] / "examples" / "web-app"
NODE = "nodejs20.x"

PYTHON_SERVER = """
import http.server, json, os, sys, time

if os.environ.get("DIES"):
    sys.exit("no database")
asked = 0

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        global asked
        if self.path == "/health":
            asked += 1
            return self.send_error(503 if asked < 3 else 200)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if self.path == "/exit":
            os._exit(4)
        if self.path == "/half":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"one half")
            return
        said = json.dumps({"asked": self.command + " " + self.path, "body": body, "health": asked,
                           "lambda": json.loads(self.headers.get("x-amzn-lambda-context", "null"))}).encode()
        self.send_response(418 if self.path == "/teapot" else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(said)

    do_POST = do_HEAD = do_GET

    def log_message(self, *words): ...

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
NODE_SERVER = """
require('node:http').createServer((request, response) => {
  response.setHeader('Content-Type', 'text/plain');
  response.end(`${request.method} ${request.url}`);
}).listen(Number(process.env.PORT), '127.0.0.1');
"""


@pytest.fixture(scope="module")
def layer(live_server: LiveServer) -> str:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in (EXAMPLE / "layer").rglob("*"):
            archive.write(path, path.relative_to(EXAMPLE / "layer"))
    made = live_server.client("lambda").publish_layer_version(
        LayerName="web-adapter-test", Content={"ZipFile": content.getvalue()}
    )
    return str(made["LayerVersionArn"])


@pytest.fixture
def serve(lambda_client: Any, layer: str) -> Iterator[Callable[..., str]]:
    """Deploys a server with the layer; the function's name."""
    made: list[str] = []

    def deploy(start: str, files: dict[str, str], variables: dict[str, str] | None = None, **configuration: Any) -> str:
        own = {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/bootstrap", "PORT": "8000", **(variables or {})}
        code = zip_of(files, programs={"run.sh": f"#!/bin/sh\nexec {start}\n"})
        options = {"Layers": [layer], "Environment": {"Variables": own}, "Handler": "run.sh", **configuration}
        made.append(Deployment(lambda_client).deploy(code, **options))
        return made[-1]

    yield deploy
    for name in made:
        lambda_client.delete_function(FunctionName=name)


def python(serve: Any, **variables: str) -> str:
    return str(serve("python server.py", {"server.py": PYTHON_SERVER}, variables))


def get(path: str, method: str = "GET") -> dict[str, Any]:
    return {"version": "2.0", "rawPath": path, "requestContext": {"http": {"method": method}}}


def test_a_server_is_asked_once_it_is_healthy_and_told_who_calls(serve: Any, lambda_client: Any) -> None:
    variables = {"AWS_LWA_READINESS_CHECK_PATH": "/health", "AWS_LWA_READINESS_CHECK_HEALTHY_STATUS": "200-299"}
    name, functions = python(serve, **variables, AWS_LWA_ERROR_STATUS_CODES="418"), Deployment(lambda_client)
    reply = functions.invoke(name, get("/a"))
    said = json.loads(reply.value["body"])
    assert (reply.value["statusCode"], said["asked"], said["health"]) == (200, "GET /a", 3)
    assert said["lambda"]["request_id"] == reply.request_id
    assert said["lambda"]["env_config"]["function_name"] == name
    assert "Init Duration" in reply.report
    posted = functions.invoke(name, {"Records": [1]})
    assert json.loads(posted.value["body"])["asked"] == "POST /events"
    assert json.loads(json.loads(posted.value["body"])["body"]) == {"Records": [1]}
    assert functions.invoke(name, get("/a", "HEAD")).value["headers"]["content-length"] != "0"
    failed = functions.invoke(name, get("/teapot"))
    assert (failed.error, "status code: 418" in failed.value["errorMessage"]) == ("FailingStatusError", True)


def test_a_server_that_ends_is_told_and_started_again(serve: Any, lambda_client: Any) -> None:
    name, functions = python(serve), Deployment(lambda_client)
    assert functions.invoke(name, get("/exit")).error in {
        "Runtime.ExitError",
        "RemoteDisconnected",
        "ConnectionResetError",
    }
    assert functions.invoke(name, get("/a")).value["statusCode"] == 200


def test_a_server_that_does_not_start_is_told(serve: Any, lambda_client: Any, logs_client: Any) -> None:
    name = python(serve, DIES="yes")
    reply = Deployment(lambda_client).invoke(name, get("/a"))
    assert reply.value["errorMessage"].endswith("Error: Runtime exited with error: exit status 1")
    found = logs_client.filter_log_events(logGroupName=f"/aws/lambda/{name}", filterPattern='"no database"')
    assert found["events"]


def test_a_streamed_answer_has_its_prelude_and_tells_of_a_broken_end(serve: Any, lambda_client: Any) -> None:
    name = python(serve, AWS_LWA_INVOKE_MODE="response_stream")
    came: list[bytes] = []
    for path in ("/a", "/half"):
        answer = lambda_client.invoke_with_response_stream(FunctionName=name, Payload=json.dumps(get(path)))
        events = list(answer["EventStream"])
        came.append(b"".join(event["PayloadChunk"]["Payload"] for event in events[:-1]))
        end = events[-1]["InvokeComplete"]
        assert end.get("ErrorCode") == (None if path == "/a" else "Unhandled")
    prelude, _, body = came[0].partition(bytes(8))
    assert json.loads(prelude)["statusCode"] == 200
    assert json.loads(body)["asked"] == "GET /a"
    assert came[1].endswith(b"one half")


def test_a_node_server_goes_as_well(serve: Any, lambda_client: Any) -> None:
    name = serve("node server.js", {"server.js": NODE_SERVER}, Runtime=NODE)
    reply = Deployment(lambda_client).invoke(name, get("/b?"))
    assert reply.value["body"] == "GET /b%3F"


@pytest.mark.slow
def test_flask_passes_its_own_tests_behind_both_gateways_and_a_url(live_server: LiveServer) -> None:
    command = [sys.executable, str(EXAMPLE / "run.py")]
    done = subprocess.run(command, env=live_server.env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("in a browser") == 3
