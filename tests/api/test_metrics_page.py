"""/_stoker/metrics of a live server, read as Prometheus reads it."""

import json
import os
import subprocess
import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError
from prometheus_client.parser import text_string_to_metric_families

from fakes.live_server import STOKER, LiveServer
from fakes.waiting import eventually
from fakes.zips import zip_of

pytestmark = pytest.mark.root
HANDLER = """
import json, os, urllib.error, urllib.request
def handler(event, context):
    if event.get("fail"):
        raise ValueError("as asked")
    if "token" in event:
        request = urllib.request.Request(os.environ["AWS_ENDPOINT_URL"] + "/_stoker/metrics")
        request.add_header("authorization", "Bearer " + event["token"])
        try:
            return urllib.request.urlopen(request, timeout=60).status
        except urllib.error.HTTPError as error:
            return error.code
"""
STATES = ("visible", "in_flight", "delayed")


def read(server: LiveServer, **headers: str) -> dict[tuple[str, frozenset[Any]], float]:
    request = urllib.request.Request(f"{server.endpoint}/_stoker/metrics", headers=headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def value_of(found: dict[tuple[str, frozenset[Any]], float], name: str, **labels: str) -> float:
    return found[f"stoker_{name}", frozenset(labels.items())]


def test_what_functions_did_and_queues_hold_is_on_the_page(live_server: LiveServer) -> None:
    client = live_server.client("lambda")
    client.create_function(
        FunctionName="measured",
        Runtime="python3.11",
        Role="arn:aws:iam::000000000000:role/test",
        Handler="app.handler",
        Code={"ZipFile": zip_of({"app.py": HANDLER})},
    )
    client.get_waiter("function_active_v2").wait(
        FunctionName="measured", WaiterConfig={"Delay": 0.1, "MaxAttempts": 1000}
    )
    token = (live_server.data / "metrics-token").read_text().strip()
    codes = []
    for event in ({}, {"fail": 1}, {"token": token}):
        answer = client.invoke(FunctionName="measured", Payload=json.dumps(event))
        codes.append(json.load(answer["Payload"]))
    # Not even with the token from inside a sandbox.
    assert codes[2] == 404
    function = {"region": "us-east-1", "function": "measured"}
    client.invoke(FunctionName="measured", InvocationType="Event", Payload=b"{}")
    age = ("stoker_async_event_age_seconds_count", frozenset(function.items()))
    eventually(lambda: read(live_server).get(age) == 1, "an event is run")
    invocations = "function_invocations_total"
    eventually(lambda: value_of(read(live_server), invocations, **function) == 4, "the event is over")
    client.put_function_concurrency(FunctionName="measured", ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError, match="TooManyRequests"):
        client.invoke(FunctionName="measured")
    sqs = live_server.client("sqs")
    queue = sqs.create_queue(QueueName="measured")["QueueUrl"]
    for _ in range(3):
        sqs.send_message(QueueUrl=queue, MessageBody="m")
    sqs.receive_message(QueueUrl=queue)

    found = read(live_server)

    def value(name: str, **labels: str) -> float:
        return value_of(found, name, **labels)

    counters = ("invocations", "errors", "throttles")
    assert [value(f"function_{each}_total", **function) for each in counters] == [4, 1, 1]
    assert value("function_duration_seconds_count", **function) == 4
    assert value("function_cold_starts_total", **function) == 1
    assert value("cold_start_phase_seconds_count", phase="sandbox") >= 1
    states = {state: value("sqs_messages", state=state, region="us-east-1", queue="measured") for state in STATES}
    assert states == {"visible": 2, "in_flight": 1, "delayed": 0}
    assert value("cold_start_seconds_count", kind="on-demand") >= 1
    assert value("requests_total", service="lambda", status="2xx") >= 3
    assert value("request_duration_seconds_count", service="lambda", status="2xx") >= 3
    assert value("request_duration_seconds_sum", service="lambda", status="2xx") > 0
    assert value("requests_total", service="lambda", status="4xx") >= 1
    assert all(value("environments", state=state) >= 0 for state in ("import", "running", "warm", "frozen"))
    assert value("async_events") >= 0 and value("outbox", to="services") >= 0
    assert ("stoker_event_loop_lag_seconds_count", frozenset()) in found
    assert found["process_resident_memory_bytes", frozenset()] > 10_000_000


def test_the_token_is_the_operator_s_and_a_wrong_one_is_refused_on_this_machine_too(live_server: LiveServer) -> None:
    assert (live_server.data / "metrics-token").stat().st_mode & 0o777 == 0o600
    env = {**os.environ, "STOKER_DATA": str(live_server.data)}
    shown = subprocess.run(
        [STOKER, "credentials", "--metrics"], env=env, capture_output=True, text=True, check=True
    ).stdout
    assert read(live_server, authorization=f"Bearer {shown.strip()}", host="stoker.example:4566")
    for headers in ({"authorization": "Bearer wrong"}, {"host": "stoker.example:4566"}):
        with pytest.raises(urllib.error.HTTPError) as refused:
            read(live_server, **headers)
        assert refused.value.code == 401
