"""The bill of a live server: the operator's alone, and equal to the REPORT lines, whatever happened in between."""

import json
import random
import re
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError

from fakes.live_server import ACCESS_KEY, SECRET_KEY, STOKER, LiveServer
from fakes.waiting import eventually
from fakes.wall_clock import DAY_S, with_room_in
from fakes.zips import zip_of

pytestmark = pytest.mark.root
HANDLER = """
import json, os, time, urllib.request
def handler(event, context):
    if event.get("fail"):
        raise ValueError("as asked")
    if event.get("die"):
        os._exit(3)
    time.sleep(event.get("sleep", 0))
    if "env" in event:
        return dict(os.environ)
"""
REPORT = re.compile(r"^REPORT RequestId: (\S+)\t.*Billed Duration: (\d+) ms\tMemory Size: (\d+) MB", re.M)


@pytest.fixture(autouse=True)
def one_day() -> None:
    """What is billed for a month or a day is asked for in the same."""
    with_room_in(DAY_S, 120)


def deploy(server: LiveServer, name: str, **configuration: Any) -> None:
    client = server.client("lambda")
    client.create_function(
        FunctionName=name,
        Runtime="python3.11",
        Role="arn:aws:iam::000000000000:role/test",
        Handler="app.handler",
        Code={"ZipFile": zip_of({"app.py": HANDLER})},
        **configuration,
    )
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 1000})


def invoke(server: LiveServer, name: str, **event: Any) -> Any:
    answer = server.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    return json.loads(answer["Payload"].read() or b"null")


def reports(server: LiveServer, name: str) -> dict[str, tuple[int, int]]:
    """Billed milliseconds and memory of every REPORT line in the log, by request."""
    pages = server.client("logs").get_paginator("filter_log_events")
    events = [e for page in pages.paginate(logGroupName=f"/aws/lambda/{name}") for e in page["events"]]
    found = [match for event in events for match in REPORT.findall(event["message"])]
    assert len(found) == len({request for request, _, _ in found}), "a request has two REPORT lines"
    return {request: (int(billed), int(memory)) for request, billed, memory in found}


def get(server: LiveServer, path: str, credentials: Credentials | None, service: str = "stoker") -> tuple[int, Any]:
    request = AWSRequest(method="GET", url=server.endpoint + path)
    if credentials is not None:
        SigV4Auth(credentials, service, "us-east-1").add_auth(request)
    try:
        with urllib.request.urlopen(
            urllib.request.Request(request.url, headers=dict(request.headers)), timeout=60
        ) as a:
            return a.status, json.load(a)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def bill(server: LiveServer, query: str = "") -> Any:
    status, document = get(server, f"/_stoker/bill{query}", Credentials(ACCESS_KEY, SECRET_KEY))
    assert status == 200, document
    return document


def line_of(server: LiveServer, name: str) -> Any:
    found = [line for line in bill(server)["lines"] if line["key"] == f"us-east-1:{name}"]
    assert len(found) == 1
    return found[0]


def check_equal(server: LiveServer, name: str) -> dict[str, tuple[int, int]]:
    """The log's REPORT lines and the bill's line say the same."""
    lines, billed = reports(server, name), line_of(server, name)
    assert billed["requests"] == len(lines)
    assert billed["billedMs"] == sum(ms for ms, _ in lines.values())
    assert billed["gbSeconds"] == pytest.approx(sum(ms * mb for ms, mb in lines.values()) / 1_024_000)
    return lines


def test_the_bill_equals_the_report_lines_of_what_went_well_and_what_did_not(live_server: LiveServer) -> None:
    deploy(live_server, "billed", MemorySize=256, Timeout=3)
    for event in ({}, {}, {"fail": 1}, {"die": 1}, {"sleep": 10}, {}):
        invoke(live_server, "billed", **event)
    lines = check_equal(live_server, "billed")
    assert len(lines) == 6
    assert line_of(live_server, "billed")["errors"] == 3
    assert bill(live_server)["total"]["requests"] >= 6


def test_provisioned_concurrency_is_billed_apart_and_once(own_server: LiveServer) -> None:
    own_server.start()
    deploy(own_server, "kept", MemorySize=512)
    client = own_server.client("lambda")
    version = client.publish_version(FunctionName="kept")["Version"]
    client.put_provisioned_concurrency_config(FunctionName="kept", Qualifier=version, ProvisionedConcurrentExecutions=2)
    status = partial(client.get_provisioned_concurrency_config, FunctionName="kept", Qualifier=version)
    eventually(lambda: status()["Status"] == "READY", "two environments")
    client.invoke(FunctionName="kept", Qualifier=version)
    lines = check_equal(own_server, "kept")
    ((billed_ms, _),) = lines.values()
    held = 2 * 0.5 * 300
    assert line_of(own_server, "kept")["provisionedGbSeconds"] == held
    cost = 0.0000002 + held * 0.0000041667 + billed_ms / 1000 * 0.5 * 0.0000097222
    assert line_of(own_server, "kept")["usd"] == pytest.approx(cost, abs=1e-9)
    own_server.kill()
    own_server.start()
    eventually(lambda: status()["Status"] == "READY", "two environments again")
    assert line_of(own_server, "kept")["provisionedGbSeconds"] == held


def test_the_bill_is_made_by_version_and_day_too(live_server: LiveServer) -> None:
    deploy(live_server, "billed-by", Publish=True)
    invoke(live_server, "billed-by")
    invoke(live_server, "billed-by:1")
    versions = [line["key"] for line in bill(live_server, "?by=version")["lines"] if "billed-by" in line["key"]]
    assert versions == ["us-east-1:billed-by:$LATEST", "us-east-1:billed-by:1"]
    today = time.strftime("%Y-%m-%d", time.gmtime())
    assert today in [line["key"] for line in bill(live_server, "?by=day")["lines"]]
    assert bill(live_server, "?month=2001-01")["lines"] == []


def test_only_the_operator_reads_the_bill(live_server: LiveServer) -> None:
    root = Credentials(ACCESS_KEY, SECRET_KEY)
    assert get(live_server, "/_stoker/bill", None)[0] == 403
    assert get(live_server, "/_stoker/bill", Credentials(ACCESS_KEY, "another secret"))[0] == 403
    assert get(live_server, "/_stoker/bill", root, service="lambda")[0] == 403
    assert get(live_server, "/_stoker/bill?month=yesterday", root)[0] == 400
    assert get(live_server, "/_stoker/bill?by=colour", root)[0] == 400


def test_a_function_s_own_credentials_do_not_open_it(live_server: LiveServer) -> None:
    deploy(live_server, "curious")
    env = invoke(live_server, "curious", env=1)
    session = Credentials(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], env["AWS_SESSION_TOKEN"])
    status, document = get(live_server, "/_stoker/bill", session)
    assert (status, document["message"]) == (403, "The bill is the operator's, not a function's.")


def run_bill(server: LiveServer, *options: str) -> str:
    command = [str(STOKER), "bill", *options]
    done = subprocess.run(command, env=server.env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_command_shows_it_for_people_and_programs(live_server: LiveServer) -> None:
    deploy(live_server, "shown")
    invoke(live_server, "shown")
    table = run_bill(live_server)
    assert "us-east-1:shown" in table and "free tier" in table and "to pay" in table
    document = json.loads(run_bill(live_server, "--json", "--by", "version"))
    assert "us-east-1:shown:$LATEST" in [line["key"] for line in document["lines"]]
    rows = run_bill(live_server, "--csv").splitlines()
    assert rows[0] == "key,architecture,requests,errors,billedMs,gbSeconds,provisionedGbSeconds,streamedGb,usd"
    assert any(row.startswith("us-east-1:shown,x86_64,1,0,") for row in rows)


@pytest.fixture
def loaded(own_server: LiveServer) -> Iterator[LiveServer]:
    own_server.start()
    deploy(own_server, "steady", Timeout=5)
    yield own_server


def test_the_bill_equals_the_report_lines_after_kill_9_at_a_random_moment(loaded: LiveServer) -> None:
    answered: set[str] = set()
    stopped = threading.Event()

    def call(number: int) -> None:
        client = loaded.client("lambda")
        while not stopped.is_set():
            try:
                answer = client.invoke(FunctionName="steady", Payload=b'{"fail": 1}' if number == 0 else b"{}")
            except (ClientError, BotoCoreError):
                return
            answered.add(answer["ResponseMetadata"]["RequestId"])

    for enough in (30, 60):
        with ThreadPoolExecutor(4) as pool:
            for number in range(4):
                pool.submit(call, number)
            eventually(lambda: len(answered) > enough, "invocations that are answered")  # noqa: B023
            time.sleep(random.random() / 2)
            loaded.kill()
            stopped.set()
        stopped.clear()
        loaded.start()
        lines = check_equal(loaded, "steady")
        assert answered <= lines.keys(), "answered, and not billed"
