"""CloudWatch's alarms as their users see them: made, shown, gone off, and told to topics, functions and the bus."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fakes.live_server import LiveServer
from fakes.waiting import eventually
from fakes.zips import zip_of

ACCOUNT, REGION = "000000000000", "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/lambda"


class Watch:
    """An alarm over a metric of its own."""

    def __init__(self, server: LiveServer) -> None:
        self.cloudwatch = server.client("cloudwatch")
        self.name = f"alarm-{uuid.uuid4().hex[:8]}"
        self.arn = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{self.name}"
        self.namespace = f"Shop/{self.name}"

    def sell(self, value: float, minutes_ago: int = 2) -> None:
        at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
        data = [{"MetricName": "sold", "Value": value, "Timestamp": at}]
        self.cloudwatch.put_metric_data(Namespace=self.namespace, MetricData=data)

    def put(self, **settings: Any) -> None:
        rules = {
            "Namespace": self.namespace,
            "MetricName": "sold",
            "Statistic": "Maximum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 5.0,
            "ComparisonOperator": "GreaterThanThreshold",
            **settings,
        }
        given = {key: value for key, value in rules.items() if value is not None}
        self.cloudwatch.put_metric_alarm(AlarmName=self.name, **given)

    def shown(self) -> Any:
        (alarm,) = self.cloudwatch.describe_alarms(AlarmNames=[self.name])["MetricAlarms"]
        return alarm

    def becomes(self, state: str) -> Any:
        return eventually(lambda: (alarm := self.shown())["StateValue"] == state and alarm, f"the alarm is {state}")

    def refusal(self, **settings: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as caught:
            self.put(**settings)
        error = caught.value.response["Error"]
        return error["Code"], error["Message"]


@pytest.fixture
def watch(live_server: LiveServer) -> Watch:
    return Watch(live_server)


def test_an_alarm_over_what_was_published_tells_its_topic(live_server: LiveServer, watch: Watch) -> None:
    topics, queues = live_server.client("sns"), live_server.client("sqs")
    topic = topics.create_topic(Name=watch.name)["TopicArn"]
    queue = queues.create_queue(QueueName=watch.name)["QueueUrl"]
    queue_arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{watch.name}"
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": queue_arn}
    queues.set_queue_attributes(
        QueueUrl=queue, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}
    )
    topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
    watch.sell(9.0)
    watch.put(AlarmActions=[topic], AlarmDescription="too much")
    shown = watch.becomes("ALARM")
    assert shown["StateReason"].startswith("Threshold Crossed: 1 out of the last 1 datapoint [9.0 (")
    (message,) = eventually(
        lambda: queues.receive_message(QueueUrl=queue, WaitTimeSeconds=20).get("Messages"), "what is told"
    )
    body = json.loads(message["Body"])
    assert body["Subject"] == f'ALARM: "{watch.name}" in US East (N. Virginia)'
    told = json.loads(body["Message"])
    assert (told["AlarmArn"], told["NewStateValue"], told["AlarmDescription"]) == (watch.arn, "ALARM", "too much")


def test_an_alarm_calls_a_function_that_lets_it_in_and_no_other(live_server: LiveServer, watch: Watch) -> None:
    functions, logs = live_server.client("lambda"), live_server.client("logs")
    arns = {}
    for name in (f"{watch.name}-open", f"{watch.name}-shut"):
        source = "def handler(event, context): print('told', event['alarmData']['state']['value'])"
        arns[name] = functions.create_function(
            FunctionName=name,
            Runtime="python3.11",
            Role=ROLE,
            Handler="f.handler",
            Code={"ZipFile": zip_of({"f.py": source})},
        )["FunctionArn"]
        functions.get_waiter("function_active_v2").wait(FunctionName=name)
    functions.add_permission(
        FunctionName=f"{watch.name}-open",
        StatementId="alarms",
        Action="lambda:InvokeFunction",
        Principal="lambda.alarms.cloudwatch.amazonaws.com",
        SourceArn=watch.arn,
    )
    watch.put(AlarmActions=list(arns.values()))
    watch.cloudwatch.set_alarm_state(AlarmName=watch.name, StateValue="ALARM", StateReason="a test")

    def lines(name: str) -> list[str]:
        try:
            return [each["message"] for each in logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]]
        except logs.exceptions.ResourceNotFoundException:
            return []

    eventually(lambda: "told ALARM\n" in lines(f"{watch.name}-open"), "the function was called")
    assert lines(f"{watch.name}-shut") == []


def test_an_alarm_is_an_event_on_the_bus(live_server: LiveServer, watch: Watch) -> None:
    events, queues = live_server.client("events"), live_server.client("sqs")
    queue = queues.create_queue(QueueName=watch.name)["QueueUrl"]
    queue_arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{watch.name}"
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": queue_arn}
    queues.set_queue_attributes(
        QueueUrl=queue, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}
    )
    pattern = {"source": ["aws.cloudwatch"], "detail": {"alarmName": [watch.name]}}
    events.put_rule(Name=watch.name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=watch.name, Targets=[{"Id": "q", "Arn": queue_arn}])
    watch.put()
    watch.cloudwatch.set_alarm_state(
        AlarmName=watch.name, StateValue="OK", StateReason="a test", StateReasonData='{"by": "me"}'
    )
    (message,) = eventually(
        lambda: queues.receive_message(QueueUrl=queue, WaitTimeSeconds=20).get("Messages"), "what is told"
    )
    told = json.loads(message["Body"])
    assert (told["detail-type"], told["resources"]) == ("CloudWatch Alarm State Change", [watch.arn])
    assert told["detail"]["state"]["value"] == "OK"
    assert told["detail"]["previousState"]["value"] == "INSUFFICIENT_DATA"
    events.remove_targets(Rule=watch.name, Ids=["q"])
    events.delete_rule(Name=watch.name)


def test_alarms_are_shown_changed_tagged_and_deleted(watch: Watch) -> None:
    client, topic = watch.cloudwatch, f"arn:aws:sns:{REGION}:{ACCOUNT}:nobody"
    watch.put(OKActions=[topic], Tags=[{"Key": "team", "Value": "shop"}])
    shown = watch.shown()
    assert shown["AlarmArn"] == watch.arn
    assert (shown["DatapointsToAlarm"], shown["TreatMissingData"], shown["ActionsEnabled"]) == (1, "missing", True)
    assert (shown["OKActions"], shown["AlarmActions"], shown["Dimensions"]) == ([topic], [], [])
    named = client.describe_alarms(AlarmNamePrefix=watch.name[:-1], ActionPrefix="arn:aws:sns")["MetricAlarms"]
    assert [alarm["AlarmName"] for alarm in named] == [watch.name]
    assert client.describe_alarms(AlarmNames=[watch.name], AlarmTypes=["CompositeAlarm"])["MetricAlarms"] == []
    metric = {"Namespace": watch.namespace, "MetricName": "sold"}
    assert len(client.describe_alarms_for_metric(**metric, Statistic="Maximum")["MetricAlarms"]) == 1
    assert client.describe_alarms_for_metric(**metric, Statistic="Sum")["MetricAlarms"] == []
    client.disable_alarm_actions(AlarmNames=[watch.name])
    assert watch.shown()["ActionsEnabled"] is False
    client.enable_alarm_actions(AlarmNames=[watch.name])
    assert watch.shown()["ActionsEnabled"] is True
    client.tag_resource(ResourceARN=watch.arn, Tags=[{"Key": "by", "Value": "me"}])
    client.untag_resource(ResourceARN=watch.arn, TagKeys=["team"])
    assert client.list_tags_for_resource(ResourceARN=watch.arn)["Tags"] == [{"Key": "by", "Value": "me"}]
    client.set_alarm_state(AlarmName=watch.name, StateValue="OK", StateReason="a test")
    history = client.get_paginator("describe_alarm_history").paginate(
        AlarmName=watch.name, ScanBy="TimestampAscending", PaginationConfig={"PageSize": 1}
    )
    summaries = [item["HistorySummary"] for page in history for item in page["AlarmHistoryItems"]]
    assert summaries[0] == f'Alarm "{watch.name}" created'
    assert "Alarm updated from INSUFFICIENT_DATA to OK" in summaries
    client.delete_alarms(AlarmNames=[watch.name])
    assert client.describe_alarms(AlarmNames=[watch.name])["MetricAlarms"] == []
    for gone in (
        lambda: client.delete_alarms(AlarmNames=[watch.name]),
        lambda: client.set_alarm_state(AlarmName=watch.name, StateValue="OK", StateReason="x"),
    ):
        with pytest.raises(ClientError) as caught:
            gone()
        assert caught.value.response["Error"]["Code"] == "ResourceNotFound"


def test_what_cannot_be_watched_is_refused(watch: Watch) -> None:
    elsewhere = f"arn:aws:sns:eu-west-1:{ACCOUNT}:t"
    for wrong in (
        {"DatapointsToAlarm": 2},
        {"Statistic": None},
        {"ExtendedStatistic": "p90"},
        {"TreatMissingData": "never"},
        {"EvaluationPeriods": 1441},
        {"Threshold": None},
        {"AlarmActions": ["topic"]},
        {"AlarmActions": [elsewhere]},
        {"Metrics": [{"Id": "e1", "Expression": "1 + 1"}]},
    ):
        assert watch.refusal(**wrong)[0] == "ValidationError", wrong
    for unbuilt in (
        {"AlarmActions": ["arn:aws:automate:us-east-1:ec2:stop"]},
        {"ComparisonOperator": "GreaterThanUpperThreshold"},
        {"Statistic": None, "ExtendedStatistic": "tm90"},
        {"EvaluateLowSampleCountPercentile": "ignore"},
    ):
        assert watch.refusal(**unbuilt)[0] == "NotImplemented", unbuilt
    assert watch.refusal(Period=7)[0] == "InvalidParameterValue"


def test_functions_errors_can_be_watched_with_metric_math(live_server: LiveServer, watch: Watch) -> None:
    def stat(name: str) -> Any:
        metric = {"Namespace": "AWS/Lambda", "MetricName": name, "Dimensions": [{"Name": "FunctionName", "Value": "f"}]}
        return {"Metric": metric, "Period": 60, "Stat": "Sum"}

    none = dict.fromkeys(("Namespace", "MetricName", "Statistic", "Period"))
    queries = [
        {"Id": "errors", "MetricStat": stat("Errors"), "ReturnData": False},
        {"Id": "calls", "MetricStat": stat("Invocations"), "ReturnData": False},
        {"Id": "rate", "Expression": "100 * errors / calls", "Label": "Error rate"},
    ]
    watch.put(**none, Metrics=queries, TreatMissingData="notBreaching")
    assert watch.becomes("OK")["Metrics"][2]["Label"] == "Error rate"
