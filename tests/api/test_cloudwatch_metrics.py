"""CloudWatch's metrics as clients of its three protocols see them, and what a function makes of them by itself."""

import json
import uuid
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from fakes.deployment import Deployment
from fakes.live_server import ACCESS_KEY, REGION, SECRET_KEY, LiveServer
from fakes.waiting import eventually
from fakes.zips import zip_of
from stoker.observability.cloudwatch.writing import MOST_OF_ONE

ROLE = "arn:aws:iam::000000000000:role/lambda"


def speaking(server: LiveServer, protocol: str) -> Any:
    """A client of botocore's that speaks one protocol, as SDKs of other ages and languages do."""
    session = boto3.Session()
    loader = session._session.get_component("data_loader")
    load = loader.load_service_model

    def load_changed(*args: Any, **settings: Any) -> Any:
        model = load(*args, **settings)
        if args[:2] != ("cloudwatch", "service-2"):
            return model
        return {**model, "metadata": {**model["metadata"], "protocol": protocol, "protocols": [protocol]}}

    loader.load_service_model = load_changed
    return session.client(
        "cloudwatch",
        endpoint_url=server.endpoint,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )


@pytest.fixture
def namespace() -> str:
    return f"Shop/{uuid.uuid4().hex[:8]}"


@pytest.fixture
def cloudwatch(live_server: LiveServer) -> Any:
    return live_server.client("cloudwatch")


def span() -> dict[str, datetime]:
    now = datetime.now(UTC)
    return {"StartTime": now - timedelta(minutes=10), "EndTime": now + timedelta(minutes=2)}


def total(client: Any, namespace: str, name: str, **dimensions: str) -> float:
    found = client.get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        Period=3600,
        Statistics=["Sum"],
        **span(),
    )
    return sum(point["Sum"] for point in found["Datapoints"])


def refusal(call: Callable[[], Any]) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as caught:
        call()
    answer = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Message"]


@pytest.mark.parametrize("protocol", ["smithy-rpc-v2-cbor", "json", "query"])
def test_every_protocol_publishes_asks_and_tells_errors_alike(
    live_server: LiveServer, namespace: str, protocol: str
) -> None:
    client = speaking(live_server, protocol)
    sold = {"MetricName": "sold", "Dimensions": [{"Name": "till", "Value": "né"}], "Unit": "Count"}
    at = datetime.now(UTC) - timedelta(seconds=90)
    client.put_metric_data(
        Namespace=namespace, MetricData=[{**sold, "Values": [1.5, 2.0], "Counts": [2.0, 4.0], "Timestamp": at}]
    )
    metric = {"Namespace": namespace, "MetricName": "sold", "Dimensions": sold["Dimensions"]}
    found = client.get_metric_statistics(
        **metric, Period=60, Statistics=["Sum", "SampleCount"], ExtendedStatistics=["p100"], **span()
    )
    assert found["Label"] == "sold"
    (point,) = found["Datapoints"]
    assert point["Timestamp"] == at.replace(second=0, microsecond=0)
    assert (point["Sum"], point["SampleCount"], point["Unit"]) == (11.0, 6.0, "Count")
    assert point["ExtendedStatistics"] == {"p100": 2.0}
    assert client.list_metrics(Namespace=namespace)["Metrics"] == [metric]
    data = client.get_metric_data(
        MetricDataQueries=[
            {"Id": "m1", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Average"}, "ReturnData": False},
            {"Id": "twice", "Expression": "m1 * 2", "Label": "Twice"},
        ],
        **span(),
    )
    (result,) = data["MetricDataResults"]
    assert (result["Id"], result["Label"], result["StatusCode"]) == ("twice", "Twice", "Complete")
    assert (result["Timestamps"], result["Values"]) == ([point["Timestamp"]], [pytest.approx(22 / 6)])
    refused = refusal(lambda: client.put_metric_data(Namespace="AWS/EC2", MetricData=[{**sold, "Value": 1.0}]))
    assert refused == ("InvalidParameterValue", 400, "The value AWS/ for parameter Namespace is invalid.")
    assert refusal(lambda: client.put_dashboard(DashboardName="x", DashboardBody="{}"))[:2] == ("NotImplemented", 501)


def test_large_requests_come_compressed(cloudwatch: Any, namespace: str) -> None:
    sent: list[Any] = []
    cloudwatch.meta.events.register(
        "before-send", lambda request, **_: sent.append(request.headers.get("Content-Encoding"))
    )
    data = [{"MetricName": f"metric-{number % 50}", "Values": [1.0] * 150} for number in range(1000)]
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)
    assert sent[0] == b"gzip"
    assert len(cloudwatch.list_metrics(Namespace=namespace)["Metrics"]) == 50
    assert total(cloudwatch, namespace, "metric-7") == 3000.0


def test_what_is_packed_too_tightly_is_refused(cloudwatch: Any, namespace: str) -> None:
    data = [{"MetricName": "m", "Value": 1.0, "Dimensions": [{"Name": "d", "Value": "x" * 1024}] * 30}] * 700
    code, status, _ = refusal(lambda: cloudwatch.put_metric_data(Namespace=namespace, MetricData=data))
    assert (code, status) == ("RequestEntityTooLargeException", 413)


def test_what_is_wrong_with_data_is_said_with_its_place(cloudwatch: Any, namespace: str) -> None:
    def told(**datum: Any) -> tuple[str, str]:
        data = [{"MetricName": "good", "Value": 1.0}, {"MetricName": "bad", **datum}]
        code, _, text = refusal(lambda: cloudwatch.put_metric_data(Namespace=namespace, MetricData=data))
        return code, text

    old = datetime.now(UTC) - timedelta(days=15)
    assert told(Value=1.0, Timestamp=old) == (
        "InvalidParameterValue",
        "The parameter MetricData.member.2.Timestamp must specify a time no more than two weeks in the past.",
    )
    assert told(Value=1.0, Timestamp=old + timedelta(days=16))[0] == "InvalidParameterValue"
    assert told()[0] == "MissingParameter"
    assert told(Value=1.0, Values=[1.0])[0] == "InvalidParameterCombination"
    assert told(Values=[1.0], Counts=[1.0, 2.0])[0] == "InvalidParameterValue"
    assert told(Value=float("nan"))[0] == told(Value=2.0**361)[0] == "InvalidParameterValue"
    assert told(Value=1.0, StorageResolution=30)[0] == "InvalidParameterValue"
    assert cloudwatch.list_metrics(Namespace=namespace)["Metrics"] == []


def test_what_cannot_be_asked(cloudwatch: Any, namespace: str) -> None:
    metric = {"Namespace": namespace, "MetricName": "m"}

    def asked(**changes: Any) -> str:
        asks = {**metric, "Period": 60, "Statistics": ["Sum"], **span(), **changes}
        return refusal(lambda: cloudwatch.get_metric_statistics(**asks))[0]

    start = datetime.now(UTC) - timedelta(days=3)
    assert asked(StartTime=start) == "InvalidParameterCombination"
    assert asked(EndTime=start) == asked(Period=7) == asked(ExtendedStatistics=["p101"]) == "InvalidParameterValue"
    assert asked(ExtendedStatistics=["tm99"]) == "NotImplemented"

    def queried(*queries: Any) -> str:
        return refusal(lambda: cloudwatch.get_metric_data(MetricDataQueries=queries, **span()))[0]

    m1 = {"Id": "m1", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
    assert queried() == queried(m1, m1) == queried({"Id": "e", "Expression": "m9 + 1"}) == "ValidationError"
    assert queried({"Id": "e", "Expression": "e"}) == queried(m1, {"Id": "e", "Expression": "AVG(m1)"})
    assert queried({"Id": "e", "Expression": "SEARCH('x', 'Sum', 60)"}) == "NotImplemented"


def test_long_answers_come_in_pages(cloudwatch: Any, namespace: str) -> None:
    now = datetime.now(UTC)
    data = [
        {"MetricName": f"m{metric}", "Value": float(minute), "Timestamp": now - timedelta(minutes=minute)}
        for metric in range(2)
        for minute in range(5)
    ]
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)
    queries = [
        {
            "Id": name,
            "MetricStat": {"Metric": {"Namespace": namespace, "MetricName": name}, "Period": 60, "Stat": "Sum"},
        }
        for name in ("m0", "m1")
    ]
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, MaxDatapoints=3, ScanBy="TimestampAscending", **span()
    )
    shown = [[(each["Id"], *each["Values"]) for each in page["MetricDataResults"]] for page in pages]
    assert shown == [[("m0", 4, 3, 2)], [("m0", 1, 0), ("m1", 4)], [("m1", 3, 2, 1)], [("m1", 0)]]


def test_metrics_of_one_region_are_not_in_another(live_server: LiveServer, cloudwatch: Any, namespace: str) -> None:
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=[{"MetricName": "m", "Value": 1.0}])
    elsewhere = live_server.client("cloudwatch", region_name="eu-west-1")
    assert elsewhere.list_metrics(Namespace=namespace)["Metrics"] == []
    assert total(elsewhere, namespace, "m") == 0
    recent = cloudwatch.list_metrics(Namespace=namespace, RecentlyActive="PT3H")["Metrics"]
    assert [metric["MetricName"] for metric in recent] == ["m"]


def test_invocations_and_embedded_metrics_are_there_soon(
    live_server: LiveServer, cloudwatch: Any, namespace: str
) -> None:
    source = """
import json, time
def handler(event, context):
    if event.get("fail"):
        raise ValueError(event["fail"])
    print('{"_aws": {broken')
    print(json.dumps({
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [{
            "Namespace": event["namespace"], "Dimensions": [["till"]],
            "Metrics": [{"Name": "sold", "Unit": "Count"}]}]},
        "till": "one", "sold": event["sold"],
    }))
"""
    functions, name = live_server.client("lambda"), f"metrics-{uuid.uuid4().hex[:8]}"
    functions.create_function(
        FunctionName=name,
        Runtime="python3.11",
        Role=ROLE,
        Handler="f.handler",
        Code={"ZipFile": zip_of({"f.py": source})},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    functions.publish_version(FunctionName=name)
    functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    for event in ({"sold": 2}, {"sold": 3}, {"fail": "no"}):
        functions.invoke(FunctionName=name, Payload=json.dumps({**event, "namespace": namespace}))
    functions.invoke(FunctionName=name, Qualifier="live", Payload=json.dumps({"sold": 4, "namespace": namespace}))

    def of_function(metric: str, **dimensions: str) -> float:
        return total(cloudwatch, "AWS/Lambda", metric, FunctionName=name, **dimensions)

    eventually(lambda: of_function("Invocations") == 4, "four invocations")
    assert of_function("Errors") == 1
    assert of_function("Duration") > 0
    assert of_function("Invocations", Resource=f"{name}:live") == 1
    assert of_function("Invocations", Resource=f"{name}:live", ExecutedVersion="1") == 1
    eventually(lambda: total(cloudwatch, namespace, "sold", till="one") == 9, "what all of them said")


def test_throttles_events_and_concurrency_are_measured(live_server: LiveServer, cloudwatch: Any) -> None:
    functions, name = live_server.client("lambda"), f"metrics-{uuid.uuid4().hex[:8]}"
    source = (
        "import time\ndef handler(event, context):\n    time.sleep(event.get('s', 0))\n    assert not event.get('fail')"
    )
    functions.create_function(
        FunctionName=name,
        Runtime="python3.11",
        Role=ROLE,
        Handler="f.handler",
        Code={"ZipFile": zip_of({"f.py": source})},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    functions.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    for payload in ("{}", '{"fail": 1}', '{"s": 1.1}'):
        functions.invoke(FunctionName=name, InvocationType="Event", Payload=payload)

    def of_function(metric: str) -> float:
        return total(cloudwatch, "AWS/Lambda", metric, FunctionName=name)

    eventually(lambda: of_function("Invocations") == 3, "three invocations")
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    assert refusal(lambda: functions.invoke(FunctionName=name))[0] == "TooManyRequestsException"
    eventually(lambda: of_function("Throttles") == 1, "a throttled invocation")
    eventually(lambda: of_function("AsyncEventsReceived") == 3, "three events")
    eventually(lambda: of_function("AsyncEventsDropped") == 1, "an event that failed for good")
    assert of_function("AsyncEventAge") >= 0
    assert of_function("ConcurrentExecutions") >= 1


def test_a_loop_that_is_stopped_is_counted(live_server: LiveServer, cloudwatch: Any) -> None:
    functions = live_server.client("lambda")
    name = Deployment(functions).deploy("def handler(event, context): pass")
    arn = functions.get_function_configuration(FunctionName=name)["FunctionArn"]
    header = f"Root=1-5759e988-bd862e3fe1be46a994272793;Lineage={zlib.crc32(arn.encode()):08x}:15"

    def go_on(request: Any, **_: Any) -> None:
        request.headers["X-Amzn-Trace-Id"] = header

    functions.meta.events.register("before-send.lambda.Invoke", go_on)
    assert refusal(lambda: functions.invoke(FunctionName=name))[0] == "RecursiveInvocationException"
    eventually(
        lambda: total(cloudwatch, "AWS/Lambda", "RecursiveInvocationsDropped", FunctionName=name) == 1,
        "a loop that was stopped",
    )


def test_a_hostile_function_s_lines_forge_no_figures_and_stop_nobody_s(
    live_server: LiveServer, cloudwatch: Any, namespace: str
) -> None:
    source = """
import json, time
def line(namespace, names, **members):
    metrics = [{"Name": name} for name in names]
    head = {"Namespace": namespace, "Dimensions": [["FunctionName"], []], "Metrics": metrics}
    head = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [head] * 20}
    return json.dumps({"_aws": head, "FunctionName": members.pop("name", "x"), **members})
def handler(event, context):
    print(line("AWS/Lambda", ["Invocations"], name=event["name"], Invocations=1000000))
    print('{"_aws":' + '[' * 100000)
    names = [f"m{number}" for number in range(60)]
    print(line(event["namespace"], names, **dict.fromkeys(names, 1)))
    print(line(event["namespace"], ["good"], good=7))
"""
    functions, name = live_server.client("lambda"), f"hostile-{uuid.uuid4().hex[:8]}"
    functions.create_function(
        FunctionName=name,
        Runtime="python3.11",
        Role=ROLE,
        Handler="f.handler",
        Code={"ZipFile": zip_of({"f.py": source})},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    functions.invoke(FunctionName=name, Payload=json.dumps({"name": name, "namespace": namespace}))
    eventually(lambda: total(cloudwatch, namespace, "good", FunctionName="x") > 0, "the good line is measured")
    eventually(lambda: total(cloudwatch, "AWS/Lambda", "Invocations", FunctionName=name) == 1, "one invocation")
    assert len(cloudwatch.list_metrics(Namespace=namespace)["Metrics"]) == 122
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=[{"MetricName": "other", "Value": 1.0}])
    assert total(cloudwatch, namespace, "other") == 1


GREEDY = """
import json, time
def line(namespace, names):
    head = {"Namespace": namespace, "Dimensions": [[]], "Metrics": [{"Name": name} for name in names]}
    head = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [head]}
    return json.dumps({"_aws": head, **dict.fromkeys(names, 1)})
def handler(event, context):
    for first in range(0, event["many"], 100):
        print(line(event["namespace"], [f"m{first + number}" for number in range(min(100, event["many"]))]))
"""


def test_a_function_that_makes_up_metrics_without_end_uses_up_only_its_own(
    live_server: LiveServer, cloudwatch: Any, namespace: str
) -> None:
    functions = live_server.client("lambda")

    def publish(many: int, into: str) -> None:
        name = f"greedy-{uuid.uuid4().hex[:8]}"
        code = {"ZipFile": zip_of({"f.py": GREEDY})}
        functions.create_function(FunctionName=name, Runtime="python3.11", Role=ROLE, Handler="f.handler", Code=code)
        functions.get_waiter("function_active_v2").wait(FunctionName=name)
        answer = functions.invoke(FunctionName=name, Payload=json.dumps({"many": many, "namespace": into}))
        assert "FunctionError" not in answer

    publish(12_000, f"{namespace}/greedy")
    publish(1, f"{namespace}/modest")
    eventually(lambda: total(cloudwatch, f"{namespace}/modest", "m0") == 1, "the other's metric is measured")
    pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace=f"{namespace}/greedy")
    assert 0 < sum(len(page["Metrics"]) for page in pages) <= MOST_OF_ONE
