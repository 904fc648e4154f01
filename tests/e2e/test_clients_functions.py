"""What a function sees and says: runtimes, context, layers, logs, errors, and the SDK from inside."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from fakes.deployment import Deployment
from fakes.live_server import LiveServer
from fakes.zips import entry, zip_of
from stoker.functions.runtimes import RuntimeCatalogue, SearchPlaces
from stoker.settings import Settings

pytestmark = pytest.mark.root


SETTINGS = Settings.from_environment(data=Path("unused"))
FOUND = RuntimeCatalogue.discover(SearchPlaces.of_this_machine(home=SETTINGS.home, path=SETTINGS.path)).all()
PYTHONS = [runtime.name for runtime in FOUND if runtime.kind == "python"]
NODES = [runtime.name for runtime in FOUND if runtime.kind == "node"]


@pytest.mark.parametrize("runtime", PYTHONS)
def test_every_python_of_this_machine_runs_functions(functions: Deployment, runtime: str) -> None:
    name = functions.deploy(
        """
        import asyncio, ctypes, hashlib, sqlite3, ssl, sys, uuid, zoneinfo
        def handler(event, context):
            return ["python%d.%d" % sys.version_info[:2], event, str(zoneinfo.ZoneInfo("Europe/Berlin"))]
        """,
        Runtime=runtime,
    )
    for number in range(2):
        assert functions.invoke(name, number).value == [runtime, number, "Europe/Berlin"]


@pytest.mark.parametrize("runtime", NODES)
@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("app.js", "exports.handler = async (event) => ({ hello: event, node: process.version });"),
        ("app.mjs", "export const handler = async (event) => ({ hello: event, node: process.version });"),
        ("app.js", "exports.handler = (event, context, done) => done(null, {hello: event, node: process.version});"),
    ],
)
def test_node_runs_functions(functions: Deployment, runtime: str, file: str, code: str) -> None:
    name = functions.deploy({file: code}, Runtime=runtime)
    value = functions.invoke(name, "there").value
    assert value["hello"] == "there"
    assert value["node"].startswith(f"v{runtime.removeprefix('nodejs').removesuffix('.x')}.")


BOOTSTRAP = """#!/bin/sh
set -eu
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while true; do
    event=$(curl -sS -D /tmp/headers "$api/next")
    id=$(grep -i Lambda-Runtime-Aws-Request-Id /tmp/headers | tr -d '[:space:]' | cut -d: -f2)
    echo "a line for $id"
    curl -sS -o /dev/null "$api/$id/response" -d "{\\"shell\\": $event, \\"handler\\": \\"$_HANDLER\\"}"
done
"""


@pytest.mark.parametrize("runtime", ["provided.al2023", "provided.al2"])
def test_a_shell_script_is_a_runtime(functions: Deployment, runtime: str) -> None:
    name = functions.deploy(executable("bootstrap", BOOTSTRAP), Runtime=runtime, Handler="any.thing")
    for number in range(2):
        reply = functions.invoke(name, number)
        assert reply.value == {"shell": number, "handler": "any.thing"}
        assert f"a line for {reply.request_id}" in reply.log


def executable(name: str, text: str) -> bytes:
    """A zip with an executable file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(entry(name, 0o100755), text)
    return buffer.getvalue()


def test_a_layer_brings_modules_and_files(functions: Deployment) -> None:
    files = {"python/greeting.py": "WORD = 'from the layer'\n", "data/note.txt": "a note"}
    layer = functions.client.publish_layer_version(LayerName="e2e-greeting", Content={"ZipFile": zip_of(files)})
    name = functions.deploy(
        """
        import pathlib, greeting
        def handler(event, context):
            return [greeting.WORD, greeting.__file__, pathlib.Path("/opt/data/note.txt").read_text()]
        """,
        Layers=[layer["LayerVersionArn"]],
    )
    assert functions.invoke(name).value == ["from the layer", "/opt/python/greeting.py", "a note"]


def test_the_environment_is_what_lambda_s_is(functions: Deployment) -> None:
    name = functions.deploy(
        "import os\ndef handler(event, context):\n    return dict(os.environ)\n",
        Environment={"Variables": {"MOOD": "good", "EMPTY": ""}},
        MemorySize=192,
    )
    reply = functions.invoke(name)
    expected = {
        "MOOD": "good",
        "EMPTY": "",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "192",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.11",
        "LAMBDA_TASK_ROOT": "/var/task",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "_HANDLER": "app.handler",
        "TZ": ":UTC",
    }
    assert expected.items() <= reply.value.items()
    assert not [key for key in reply.value if "STOKER" in key]


def test_tmp_is_kept_between_invocations_and_the_code_cannot_be_written(functions: Deployment) -> None:
    name = functions.deploy(
        """
        import os, pathlib, tempfile
        def handler(event, context):
            note = pathlib.Path(tempfile.gettempdir(), "note")
            before = note.read_text() if note.exists() else None
            note.write_text(event)
            return [str(note), before, os.access("/var/task", os.W_OK), os.getcwd()]
        """
    )
    assert functions.invoke(name, "first").value == ["/tmp/note", None, False, "/var/task"]
    assert functions.invoke(name, "second").value == ["/tmp/note", "first", False, "/var/task"]


def test_the_context_says_which_invocation_it_is(functions: Deployment) -> None:
    name = functions.deploy(
        """
        def handler(event, context):
            left = context.get_remaining_time_in_millis()
            names = ("function_name", "function_version", "memory_limit_in_mb", "invoked_function_arn",
                     "aws_request_id", "log_group_name", "log_stream_name")
            return {**{name: getattr(context, name) for name in names}, "left": left}
        """,
        Timeout=7,
        Publish=True,
    )
    functions.client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    reply = functions.invoke(name, None, Qualifier="live")
    assert 5000 < reply.value.pop("left") <= 7000
    stream = reply.value.pop("log_stream_name")
    assert "/[1]" in stream
    assert reply.value == {
        "function_name": name,
        "function_version": "1",
        "memory_limit_in_mb": "256",
        "invoked_function_arn": f"arn:aws:lambda:us-east-1:000000000000:function:{name}:live",
        "aws_request_id": reply.request_id,
        "log_group_name": f"/aws/lambda/{name}",
    }


LOGS = """
import logging, sys
log = logging.getLogger()
log.setLevel("INFO")
def handler(event, context):
    print("printed")
    print("to stderr", file=sys.stderr)
    log.info("logged %s", 1)
    log.debug("not this")
    log.warning("careful", extra={"answer": 42})
"""


def test_print_and_logging_are_in_the_log(functions: Deployment) -> None:
    reply = functions.invoke(functions.deploy(LOGS))
    lines = reply.log.splitlines()
    assert "printed" in lines and "to stderr" in lines
    assert [line.split("\t")[0::3] for line in lines if line.startswith("[INFO]")] == [["[INFO]", "logged 1"]]
    assert f"\t{reply.request_id}\tcareful" in reply.log and "not this" not in reply.log
    assert [line.split()[0] for line in lines if line.split()[0] in {"START", "END", "REPORT"}] == [
        "START",
        "END",
        "REPORT",
    ]


def test_a_json_log_is_json_line_by_line(functions: Deployment, live_server: LiveServer) -> None:
    name = functions.deploy(LOGS, LoggingConfig={"LogFormat": "JSON", "SystemLogLevel": "DEBUG"})
    request_id = functions.invoke(name).request_id
    events = live_server.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    messages = [event["message"] for event in events]
    records = [json.loads(message) for message in messages if message.startswith("{")]
    assert [message for message in messages if not message.startswith("{")] == ["printed\n", "to stderr\n"]
    logged = {record["message"]: record for record in records if "message" in record}
    assert logged["logged 1"]["level"] == "INFO" and logged["logged 1"]["requestId"] == request_id
    assert logged["careful"]["answer"] == 42
    platform = {record["type"]: record["record"] for record in records if "type" in record}
    assert {"platform.initStart", "platform.start", "platform.runtimeDone", "platform.report"} <= platform.keys()
    assert platform["platform.report"]["metrics"]["memorySizeMB"] == 256


def test_an_exception_comes_with_its_traceback(functions: Deployment) -> None:
    name = functions.deploy(
        """
        class Unhappy(Exception):
            pass
        def deeper(event):
            raise Unhappy("not with " + event)
        def handler(event, context):
            deeper(event)
        """
    )
    reply = functions.invoke(name, "this")
    assert (reply.error, reply.value["errorMessage"]) == ("Unhappy", "not with this")
    assert reply.value["requestId"] == reply.request_id
    assert [line.split(",")[-1].split("\n")[0].strip() for line in reply.value["stackTrace"]] == [
        "in handler",
        "in deeper",
    ]
    assert "[ERROR] Unhappy: not with this" in reply.log and "Traceback (most recent call last)" in reply.log


@pytest.mark.parametrize(
    ("code", "handler", "error", "words"),
    [
        ("import nothing_of_this_name\n", "app.handler", "Runtime.ImportModuleError", "No module named 'nothing_of_"),
        ("def handler(:\n", "app.handler", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"),
        ("", "app.handler", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
        ("", "handler", "Runtime.MalformedHandlerName", "Bad handler 'handler'"),
        ("def handler(e, c): return object()\n", "app.handler", "Runtime.MarshalError", "Unable to marshal response"),
        ("1 / 0\n", "app.handler", "ZeroDivisionError", "division by zero"),
    ],
)
def test_what_cannot_run_is_named_as_on_aws(
    functions: Deployment, code: str, handler: str, error: str, words: str
) -> None:
    reply = functions.invoke(functions.deploy(code, Handler=handler))
    assert reply.error == error
    assert words in reply.value["errorMessage"]


SDK = """
import boto3
from botocore.exceptions import ClientError
def handler(event, context):
    who = boto3.client("sts").get_caller_identity()
    try:
        boto3.client("lambda").list_functions()
    except ClientError as error:
        return {"arn": who["Arn"], "account": who["Account"], "refused": error.response["Error"]["Code"]}
"""


def test_an_sdk_inside_is_the_function_s_role_and_may_no_more_than_it(functions: Deployment) -> None:
    name = functions.deploy(SDK, Role="arn:aws:iam::000000000000:role/baker", MemorySize=512)
    assert functions.invoke(name).value == {
        "arn": f"arn:aws:sts::000000000000:assumed-role/baker/{name}",
        "account": "000000000000",
        "refused": "AccessDeniedException",
    }


def test_the_figures_of_the_report_are_measured(functions: Deployment) -> None:
    name = functions.deploy(
        """
        import time
        def handler(event, context):
            block = bytearray(event["megabytes"] << 20)
            time.sleep(event["seconds"])
            return len(block)
        """
    )
    cold = functions.invoke(name, {"megabytes": 1, "seconds": 0}).report
    warm = functions.invoke(name, {"megabytes": 100, "seconds": 0.2}).report
    assert float(cold["Init Duration"].removesuffix(" ms")) > 0 and "Init Duration" not in warm
    duration = float(warm["Duration"].removesuffix(" ms"))
    assert 200 <= duration < 1000
    assert duration <= int(warm["Billed Duration"].removesuffix(" ms")) < duration + 1
    assert 100 <= memory(warm) < 160 and memory(cold) < 60


def memory(report: dict[str, Any]) -> int:
    return int(report["Max Memory Used"].removesuffix(" MB"))
