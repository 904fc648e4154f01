"""External and internal extensions: real processes from layers beside functions on a live server, seen with boto3."""

import http.client
import io
import json
import time
import uuid
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from fakes.deployment import Deployment
from fakes.live_server import ACCESS_KEY, SECRET_KEY, LiveServer
from fakes.waiting import eventually
from fakes.zips import entry

pytestmark = pytest.mark.root

# What all extensions below begin with: the platform's APIs in a few words.
PRELUDE = """\
#!/usr/bin/python3
import http.client, http.server, json, os, signal, sys, threading, time

API = os.environ["AWS_LAMBDA_RUNTIME_API"]
NAME = os.path.basename(sys.argv[0])
IDENTIFIER = ""

def ask(method, path, body=None, **headers):
    connection = http.client.HTTPConnection(API)
    headers = {"Lambda-Extension-" + name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    return answer.status, answer.headers, json.loads(answer.read() or b"null")

def register(*events):
    global IDENTIFIER
    _, headers, told = ask("POST", "/2020-01-01/extension/register", {"events": events}, Name=NAME)
    IDENTIFIER = headers["Lambda-Extension-Identifier"]
    return told

def next_event():
    return ask("GET", "/2020-01-01/extension/event/next", Identifier=IDENTIFIER)[2]

def say(*words):
    print(NAME, *words, flush=True)
"""
WATCHER = (
    PRELUDE
    + """
RECEIVED = []

class Telemetry(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        RECEIVED.extend(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        with open("/tmp/receiving", "w") as file:
            json.dump(RECEIVED, file)
        os.replace("/tmp/receiving", "/tmp/received")
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words): ...

server = http.server.HTTPServer(("sandbox.localdomain", 8080), Telemetry)
threading.Thread(target=server.serve_forever, daemon=True).start()
say("registered", json.dumps(register("INVOKE", "SHUTDOWN")))
destination = {"protocol": "HTTP", "URI": "http://sandbox.localdomain:8080"}
request = {"schemaVersion": "2022-12-13", "types": ["platform", "function", "extension"],
           "buffering": {"timeoutMs": 25}, "destination": destination}
say("subscribed", ask("PUT", "/2022-07-01/telemetry", request, Identifier=IDENTIFIER)[::2])
while True:
    event = next_event()
    say(json.dumps(event))
    if event["eventType"] == "SHUTDOWN":
        say("saw", json.dumps(sorted({each["type"] for each in RECEIVED})))
        break
    time.sleep(0.1)
"""
)
FUNCTION = """
import json, os, signal, sys, time

print("importing")

def handler(event, context):
    if event == "received":
        if not os.path.exists("/tmp/received"):
            return []
        with open("/tmp/received") as file:
            return json.load(file)
    if event == "sleep":
        time.sleep(60)
    if event == "exit":
        os._exit(7)
    print("function said", event)
    return event

signal.signal(signal.SIGTERM, lambda *_: (print("function got SIGTERM", flush=True), sys.exit(0)))
"""


@pytest.fixture
def functions(lambda_client: Any) -> Iterator["Extended"]:
    extended = Extended(lambda_client)
    yield extended
    extended.delete()


class Extended(Deployment):
    """Functions with layers of extensions."""

    def __init__(self, client: Any) -> None:
        super().__init__(client)
        self.made: list[str] = []

    def with_extensions(self, scripts: dict[str, str], mode: int = 0o100755, **configuration: Any) -> str:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, script in scripts.items():
                archive.writestr(entry(f"extensions/{name}", mode), script)
        layer = self.client.publish_layer_version(
            LayerName=f"l-{uuid.uuid4().hex[:8]}", Content={"ZipFile": buffer.getvalue()}
        )["LayerVersionArn"]
        configuration.setdefault("Timeout", 60)
        name = self.deploy(configuration.pop("code", FUNCTION), Layers=[layer], **configuration)
        self.made.append(name)
        return name

    def delete(self) -> None:
        for name in self.made:
            self.client.delete_function(FunctionName=name)

    def retire(self, name: str) -> None:
        """Have the environments of a function let go."""
        self.client.update_function_configuration(FunctionName=name, Description=uuid.uuid4().hex)
        self.wait_updated(name)


class Log:
    """A function's log group."""

    def __init__(self, client: Any, function: str) -> None:
        self.client = client
        self.group = f"/aws/lambda/{function}"

    def lines(self) -> list[str]:
        pages = self.client.get_paginator("filter_log_events").paginate(logGroupName=self.group)
        return [event["message"].rstrip("\n") for page in pages for event in page["events"]]

    def wait_for(self, text: str) -> str:
        return next(iter(eventually(lambda: [line for line in self.lines() if text in line], f"{text!r} in the log")))


@pytest.fixture
def log_of(logs_client: Any) -> Any:
    return lambda name: Log(logs_client, name)


def test_an_extension_registers_gets_events_and_telemetry_and_ends_in_order(functions: Extended, log_of: Any) -> None:
    name = functions.with_extensions({"watcher": WATCHER}, Handler="app.handler")
    assert functions.invoke(name, "hello").value == "hello"
    log = log_of(name)
    # The caller does not wait for what an extension says.
    log.wait_for('"INVOKE"')
    lines = log.lines()
    facts = {"functionName": name, "functionVersion": "$LATEST", "handler": "app.handler"}
    assert f"watcher registered {json.dumps(facts)}" in lines
    assert "watcher subscribed (200, 'OK')" in lines
    assert "TELEMETRY\tName: watcher\tState: Subscribed\tTypes: [Platform, Function, Extension]" in lines
    assert "EXTENSION\tName: watcher\tState: Ready\tEvents: [INVOKE, SHUTDOWN]" in lines
    event = json.loads(next(line for line in lines if '"INVOKE"' in line).removeprefix("watcher "))
    assert event["invokedFunctionArn"].endswith(f":function:{name}")

    def received() -> Any:
        events = functions.invoke(name, "received").value
        return events if any(each["type"] == "platform.report" for each in events) else None

    events = eventually(received, "telemetry of a whole invocation")
    kinds = [each["type"] for each in events]
    first = ["platform.initStart", "platform.initRuntimeDone", "platform.extension", "platform.initReport"]
    assert [kind for kind in kinds if kind in first][:4] == first
    assert {"platform.telemetrySubscription", "platform.start", "platform.runtimeDone", "extension"} <= set(kinds)
    said = [each["record"] for each in events if each["type"] == "function"]
    assert said[:2] == ["importing\n", "function said hello\n"]
    report = next(each["record"] for each in events if each["type"] == "platform.report")
    assert report["metrics"]["durationMs"] > 0
    functions.retire(name)
    shutdown = json.loads(log.wait_for('"SHUTDOWN"').removeprefix("watcher "))
    assert (shutdown["shutdownReason"], shutdown["eventType"]) == ("spindown", "SHUTDOWN")
    assert "platform.report" in log.wait_for("watcher saw")
    lines = log.lines()
    assert lines.index("function got SIGTERM") < next(at for at, line in enumerate(lines) if '"SHUTDOWN"' in line)


def test_the_caller_does_not_wait_for_extensions_but_the_bill_does(functions: Extended, log_of: Any) -> None:
    slow = PRELUDE + "register('INVOKE')\nwhile True:\n    next_event()\n    time.sleep(2)\n"
    name = functions.with_extensions({"slow": slow})
    log = log_of(name)

    def reports() -> list[str]:
        return [line for line in log.lines() if line.startswith("REPORT")]

    functions.invoke(name, 1)
    # Then its environment is free, and none is started for the second.
    eventually(reports, "a report")
    began = time.monotonic()
    answer = functions.client.invoke(FunctionName=name, Payload=b"2")
    assert answer["Payload"].read() == b"2"
    waited_s = time.monotonic() - began
    line = eventually(lambda: reports()[1:], "a second report")[0]
    duration_ms = float(line.partition("Duration: ")[2].split()[0])
    assert duration_ms >= 2000
    assert waited_s * 1000 < duration_ms


def test_the_caller_of_a_function_with_extensions_is_answered_once(functions: Extended, log_of: Any) -> None:
    """A second answer on the same connection would be taken for that of the next request."""
    slow = PRELUDE + "register('INVOKE')\nwhile True:\n    next_event()\n    time.sleep(0.5)\n"
    name = functions.with_extensions({"slow": slow})
    log = log_of(name)
    endpoint = functions.client.meta.endpoint_url
    # boto3 would close a connection on which something waits to be read.
    connection = http.client.HTTPConnection(endpoint.partition("//")[2], timeout=60)
    answers = []
    for number in range(3):
        path, payload = f"/2015-03-31/functions/{name}/invocations", b"%d" % number
        request = AWSRequest(method="POST", url=endpoint + path, data=payload)
        SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "lambda", "us-east-1").add_auth(request)
        connection.request("POST", path, payload, dict(request.headers))
        answers.append(connection.getresponse().read())
        ended = number + 1
        eventually(lambda: sum(line.startswith("REPORT") for line in log.lines()) == ended, "its end")  # noqa: B023
    connection.close()
    assert answers == [b"0", b"1", b"2"]


@pytest.mark.parametrize(
    ("script", "error_type", "reason"),
    [
        (PRELUDE + "sys.exit(3)\n", "Extension.Crash", "exit status 3"),
        (PRELUDE + "register()\nos.kill(os.getpid(), 9)\n", "Extension.Crash", "signal: killed"),
        (
            PRELUDE
            + "register()\nask('POST', '/2020-01-01/extension/init/error', {}, Identifier=IDENTIFIER, "
            + "Function_Error_Type='Mine.NoKey')\nsys.exit(1)\n",
            "Extension.InitError",
            "exit status 1",
        ),
    ],
)
def test_an_extension_that_fails_at_the_init_fails_the_invocation(
    functions: Extended, log_of: Any, script: str, error_type: str, reason: str
) -> None:
    name = functions.with_extensions({"fails": script})
    reply = functions.invoke(name, 1)
    message = f"RequestId: {reply.request_id} Error: {reason}"
    assert reply.value == {"errorType": error_type, "errorMessage": message}
    lines = log_of(name).lines()
    assert len([line for line in lines if line.startswith("INIT_REPORT") and error_type in line]) == 2
    if error_type == "Extension.InitError":
        assert "EXTENSION\tName: fails\tState: InitError\tEvents: []\tError Type: Mine.NoKey" in lines


def test_a_file_that_cannot_be_executed_is_a_launch_error(functions: Extended) -> None:
    name = functions.with_extensions({"plain": "no program"}, mode=0o100644)
    reply = functions.invoke(name, 1)
    assert reply.value == {
        "errorType": "Extension.LaunchError",
        "errorMessage": f"RequestId: {reply.request_id} Error: fork/exec /opt/extensions/plain: permission denied",
    }


def test_an_extension_that_crashes_in_an_invocation_takes_the_environment_with_it(functions: Extended) -> None:
    crashes = PRELUDE + "register('INVOKE')\nnext_event()\nsys.exit(2)\n"
    name = functions.with_extensions({"crashes": crashes})
    reply = functions.invoke(name, "sleep")
    assert (reply.error, reply.value["errorMessage"][-13:]) == ("Extension.Crash", "exit status 2")


def test_an_extension_that_never_asks_again_runs_into_the_timeout(functions: Extended, log_of: Any) -> None:
    hangs = PRELUDE + "register('INVOKE', 'SHUTDOWN')\nnext_event()\ntime.sleep(1000)\n"
    name = functions.with_extensions({"hangs": hangs}, Timeout=1)
    answer = functions.client.invoke(FunctionName=name, Payload=b"1")
    assert (answer["Payload"].read(), "FunctionError" in answer) == (b"1", False)
    log = log_of(name)
    assert log.wait_for("REPORT").endswith("Status: timeout")
    assert log.wait_for("Task timed out after 1.00 seconds")
    # Its environment is gone, in spite of it.
    assert functions.client.invoke(FunctionName=name, Payload=b"2")["Payload"].read() == b"2"


def test_a_timeout_is_told_as_the_reason_of_the_end(functions: Extended, log_of: Any) -> None:
    tells = PRELUDE + "register('SHUTDOWN')\nsay(json.dumps(next_event()))\n"
    name = functions.with_extensions({"tells": tells}, Timeout=1)
    assert functions.invoke(name, "sleep").error == "Sandbox.Timedout"
    assert '"shutdownReason": "timeout"' in log_of(name).wait_for('"SHUTDOWN"')
    assert functions.invoke(name, "exit").error == "Runtime.ExitError"
    assert log_of(name).wait_for('"shutdownReason": "failure"')


def test_an_extension_cannot_outlive_its_environment(functions: Extended, log_of: Any) -> None:
    stubborn = (
        PRELUDE
        + "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        + "if os.fork() == 0:\n    os.setsid()\n    time.sleep(1000)\n"
        + "register('INVOKE', 'SHUTDOWN')\nnext_event()\nnext_event()\nsay('told')\n"
        + "while True:\n    say('still here')\n    time.sleep(0.05)\n"
    )
    name = functions.with_extensions({"stubborn": stubborn})
    functions.invoke(name, 1)
    functions.retire(name)
    log = log_of(name)
    log.wait_for("told")
    functions.invoke(name, 2)

    def lasted() -> bool:
        """No more lines come."""
        before = len(log.lines())
        time.sleep(0.3)
        return len(log.lines()) == before

    eventually(lasted, "the extension has gone")


def test_a_thread_of_the_function_is_an_internal_extension(functions: Extended, log_of: Any) -> None:
    code = (
        "import http.client, json, os, sys, threading\n"
        + PRELUDE.partition("\n\n")[2].replace("os.path.basename(sys.argv[0])", "'thread'")
        + """
EVENTS = []

def run():
    try:
        events = {"events": ["SHUTDOWN"]}
        EVENTS.append(ask("POST", "/2020-01-01/extension/register", events, Name=NAME)[2]["errorType"])
        register("INVOKE")
        READY.set()
        while True:
            EVENTS.append(next_event()["eventType"])
    except OSError:
        pass

READY = threading.Event()
threading.Thread(target=run, daemon=True).start()
READY.wait(10)

def handler(event, context):
    import time
    deadline = time.time() + 15
    while len(EVENTS) < event and time.time() < deadline:
        time.sleep(0.01)
    return EVENTS
"""
    )
    name = functions.deploy(code)
    functions.made.append(name)
    assert functions.invoke(name, 2).value == ["Extension.InvalidEventType", "INVOKE"]
    assert functions.invoke(name, 3).value == ["Extension.InvalidEventType", "INVOKE", "INVOKE"]
    assert "EXTENSION\tName: thread\tState: Ready\tEvents: [INVOKE]" in log_of(name).lines()


def test_the_logs_api_has_events_of_its_own(functions: Extended) -> None:
    logs = (
        WATCHER.replace('"/2022-07-01/telemetry"', '"/2020-08-15/logs"')
        .replace('"schemaVersion": "2022-12-13"', '"schemaVersion": "2020-08-15"')
        .replace('"types": ["platform", "function", "extension"]', '"types": ["platform"]')
    )
    name = functions.with_extensions({"watcher": logs})
    functions.invoke(name, 1)

    def kinds() -> list[str] | None:
        found = [each["type"] for each in functions.invoke(name, "received").value]
        return found if "platform.report" in found else None

    seen = eventually(kinds, "logs of a whole invocation")
    assert {"platform.start", "platform.end", "platform.report", "platform.logsSubscription"} <= set(seen)
    assert not {"platform.initStart", "platform.runtimeDone", "function"} & set(seen)


def test_a_function_with_external_extensions_is_not_made_a_template(functions: Extended, log_of: Any) -> None:
    idle = PRELUDE + "register()\nnext_event()\n"
    slow = FUNCTION + "\nwhile time.process_time() < 0.05:\n    pass\n"
    name = functions.with_extensions({"idle": idle}, code=slow, MemorySize=512)
    functions.invoke(name, 1)

    def refused() -> bool:
        functions.invoke(name, "exit")
        return any("Template: refused, it has external extensions" in line for line in log_of(name).lines())

    eventually(refused, "a start that says why")


def test_an_attack_by_nonsense_ends_at_the_environment(functions: Extended, live_server: LiveServer) -> None:
    """Subscriptions that lead out, floods of registrations, half requests: refused or dropped."""
    hostile = (
        PRELUDE
        + """
import socket
answers = []
for number in range(12):
    answers.append(ask("POST", "/2020-01-01/extension/register", {"events": []}, Name=f"fake-{number}")[0])
register("INVOKE", "SHUTDOWN")
for uri in ("http://169.254.169.254:80", "http://127.0.0.1:4566", "http://sandbox.localdomain", "file:///etc/passwd"):
    request = {"schemaVersion": "2022-12-13", "types": ["platform"], "destination": {"protocol": "HTTP", "URI": uri}}
    answers.append(ask("PUT", "/2022-07-01/telemetry", request, Identifier=IDENTIFIER)[0])
for _ in range(200):
    sock = socket.create_connection(("127.0.0.1", 9001))
    sock.sendall(b"POST /2020-01-01/extension/register HTTP/1.1\\r\\nContent-Length: 5\\r\\n\\r\\n[")
say(json.dumps(answers))
"""
    )
    name = functions.with_extensions({"hostile": hostile})
    other = functions.deploy("def handler(event, context):\n    return 'well'\n")
    functions.made.append(other)
    reply = functions.invoke(name, 1)
    assert reply.error == "Extension.Crash"
    logs = live_server.client("logs")
    line = Log(logs, name).wait_for("hostile [")
    assert json.loads(line.removeprefix("hostile ")) == [200] * 9 + [403] * 3 + [403, 403, 400, 403]
    assert functions.invoke(other).value == "well"
