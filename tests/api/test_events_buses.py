"""EventBridge as boto3 sees it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fakes.destinations import WatchedQueue
from fakes.live_server import LiveServer
from fakes.waiting import eventually

BAD_SCHEDULE = "Parameter ScheduleExpression is not valid."


@pytest.fixture
def events(live_server: LiveServer) -> Any:
    return live_server.client("events")


def refused(call: Callable[..., Any], **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def rule_to(events: Any, queue: WatchedQueue, name: str, pattern: Any, bus: str = "default", **target: Any) -> str:
    arn: str = events.put_rule(Name=name, EventPattern=json.dumps(pattern), EventBusName=bus)["RuleArn"]
    done = events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "q", "Arn": queue.arn, **target}])
    assert done["FailedEntryCount"] == 0
    return arn


def entry(source: str, detail: Any = None, **members: Any) -> dict[str, Any]:
    return {"Source": source, "DetailType": "t", "Detail": json.dumps(detail or {}), **members}


def test_an_event_reaches_the_targets_of_the_rules_it_matches_in_aws_s_shape(
    live_server: LiveServer, events: Any
) -> None:
    queue = WatchedQueue(live_server, "ev-shape")
    rule_to(events, queue, "ev-shape", {"source": ["shape"], "detail": {"n": [{"numeric": [">", 1]}]}})
    at = datetime(2024, 2, 29, 12, 0, 5, tzinfo=UTC)
    answer = events.put_events(
        Entries=[entry("shape", {"n": 1}), entry("shape", {"n": 2, "é": "ü"}, Time=at, Resources=["r"])]
    )
    assert answer["FailedEntryCount"] == 0
    (message,) = queue.messages()
    assert json.loads(message["Body"]) == {
        "version": "0",
        "id": answer["Entries"][1]["EventId"],
        "detail-type": "t",
        "source": "shape",
        "account": "000000000000",
        "time": "2024-02-29T12:00:05Z",
        "region": "us-east-1",
        "resources": ["r"],
        "detail": {"n": 2, "é": "ü"},
    }
    assert "é" in message["Body"]


def test_bad_entries_fail_alone(live_server: LiveServer, events: Any) -> None:
    queue = WatchedQueue(live_server, "ev-partial")
    rule_to(events, queue, "ev-partial", {"source": ["partial"]})
    answer = events.put_events(
        Entries=[
            {"DetailType": "t", "Detail": "{}"},
            {"Source": "partial", "DetailType": "t", "Detail": "no"},
            {"Source": "partial", "DetailType": "t", "Detail": "[]"},
            entry("aws.ec2"),
            entry("partial"),
        ]
    )
    assert answer["FailedEntryCount"] == 4
    assert [each.get("ErrorCode") for each in answer["Entries"]] == [
        "InvalidArgument",
        "MalformedDetail",
        "MalformedDetail",
        "NotAuthorizedForSourceException",
        None,
    ]
    assert answer["Entries"][0]["ErrorMessage"] == (
        "Parameter Source is not valid. Reason: Source is a required argument."
    )
    assert len(queue.messages()) == 1


def test_a_megabyte_is_taken_and_more_is_not(live_server: LiveServer, events: Any) -> None:
    assert events.put_events(Entries=[entry("big", {"a": "x" * 1_040_000})])["FailedEntryCount"] == 0
    big = [entry("big", {"a": "x" * 1_048_576})]
    code, message = refused(events.put_events, Entries=big)
    assert (code, message) == (
        "ValidationException",
        "Total size of the entries in the request is over the limit.",
    )


def test_a_target_gets_what_its_input_says(live_server: LiveServer, events: Any) -> None:
    queue = WatchedQueue(live_server, "ev-input")
    arn = events.put_rule(Name="ev-input", EventPattern='{"source": ["input"]}')["RuleArn"]
    transformer = {
        "InputPathsMap": {
            "state": "$.detail.state",
            "all": "$.detail",
            "none": "$.detail.none",
            "first": "$.detail.l[0]",
        },
        "InputTemplate": '{"state": <state>, "text": "is <state>, <none>, <all>", "none": <none>, "l": <first>, '
        '"rule": "<aws.events.rule-arn>", "name": <aws.events.rule-name>, "event": <aws.events.event.json>}',
    }
    events.put_targets(
        Rule="ev-input",
        Targets=[
            {"Id": "1", "Arn": queue.arn, "Input": '{"constant": true}'},
            {"Id": "2", "Arn": queue.arn, "InputPath": "$.detail.state"},
            {"Id": "3", "Arn": queue.arn, "InputTransformer": transformer},
            {
                "Id": "4",
                "Arn": queue.arn,
                "InputTransformer": {"InputPathsMap": {"s": "$.detail.state"}, "InputTemplate": '"It is <s> now"'},
            },
        ],
    )
    events.put_events(Entries=[entry("input", {"state": 'o"n', "l": [3]})])
    bodies = queue.bodies(4)
    assert {"constant": True} in bodies
    assert 'o"n' in bodies
    assert 'It is o"n now' in bodies
    (made,) = (body for body in bodies if isinstance(body, dict) and "rule" in body)
    assert made.pop("event")["source"] == "input"
    assert made.pop("text").startswith('is o"n, , {state:o')
    assert made == {"state": 'o"n', "none": None, "l": 3, "rule": arn, "name": "ev-input"}


def test_what_cannot_be_delivered_goes_to_the_dead_letter_queue_and_says_why(
    live_server: LiveServer, events: Any
) -> None:
    dead = WatchedQueue(live_server, "ev-dead")
    arn = events.put_rule(Name="ev-dead", EventPattern='{"source": ["dead"]}')["RuleArn"]
    gone = dead.arn.replace("ev-dead", "ev-gone")
    target = {"Id": "q", "Arn": gone, "Input": '"x"', "DeadLetterConfig": {"Arn": dead.arn}}
    events.put_targets(Rule="ev-dead", Targets=[target])
    events.put_events(Entries=[entry("dead", {"a": 1})])
    (message,) = dead.messages()
    assert json.loads(message["Body"])["detail"] == {"a": 1}
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert attributes["RULE_ARN"] == arn
    assert attributes["TARGET_ARN"] == gone
    assert attributes["RETRY_ATTEMPTS"] == "0"
    assert attributes["ERROR_CODE"]


def test_a_bus_forwards_to_a_bus_and_a_circle_ends(live_server: LiveServer, events: Any) -> None:
    queue = WatchedQueue(live_server, "ev-circle")
    one = events.create_event_bus(Name="ev-one")["EventBusArn"]
    two = events.create_event_bus(Name="ev-two")["EventBusArn"]
    for bus, other in (("ev-one", two), ("ev-two", one)):
        events.put_rule(Name="on", EventPattern='{"source": ["circle"]}', EventBusName=bus)
        events.put_targets(Rule="on", EventBusName=bus, Targets=[{"Id": "b", "Arn": other}])
    rule_to(events, queue, "ev-circle", {"source": ["circle"]}, bus="ev-two")
    answer = events.put_events(Entries=[entry("circle", EventBusName="ev-one")])
    arrived = queue.bodies(4)
    assert {event["id"] for event in arrived} == {answer["Entries"][0]["EventId"]}
    eventually(lambda: "too often" in live_server.log(), "the circle's end in the log")


def test_a_fifo_queue_gets_its_group(live_server: LiveServer, events: Any) -> None:
    queue = WatchedQueue(live_server, "ev-fifo.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    events.put_rule(Name="ev-fifo", EventPattern='{"source": ["fifo"]}')
    code, message = refused(events.put_targets, Rule="ev-fifo", Targets=[{"Id": "q", "Arn": queue.arn}])
    assert (code, message) == ("ValidationException", "Parameter(s) SqsParameters must be specified for target: q.")
    target = {"Id": "q", "Arn": queue.arn, "SqsParameters": {"MessageGroupId": "g"}}
    events.put_targets(Rule="ev-fifo", Targets=[target])
    for number in range(5):
        events.put_events(Entries=[entry("fifo", {"n": number})])
    messages = queue.messages(5)
    assert [json.loads(message["Body"])["detail"]["n"] for message in messages] == [0, 1, 2, 3, 4]
    assert {message["Attributes"]["MessageGroupId"] for message in messages} == {"g"}


def test_rules_are_shown_switched_and_deleted_as_on_aws(live_server: LiveServer, events: Any) -> None:
    bus = events.create_event_bus(Name="ev-rules", Description="d", Tags=[{"Key": "a", "Value": "b"}])["EventBusArn"]
    on = {"EventBusName": "ev-rules"}
    made = events.put_rule(
        Name="r", EventPattern='{"source": ["x"]}', Description="d", Tags=[{"Key": "k", "Value": "v"}], **on
    )
    assert made["RuleArn"] == "arn:aws:events:us-east-1:000000000000:rule/ev-rules/r"
    events.disable_rule(Name="r", **on)
    rule = events.describe_rule(Name="r", EventBusName=bus)
    del rule["ResponseMetadata"]
    assert rule == {
        "Name": "r",
        "Arn": made["RuleArn"],
        "EventPattern": '{"source": ["x"]}',
        "State": "DISABLED",
        "Description": "d",
        "EventBusName": "ev-rules",
        "CreatedBy": "000000000000",
    }
    events.enable_rule(Name="r", **on)
    arn = "arn:aws:sqs:us-east-1:000000000000:q"
    events.put_targets(Rule="r", Targets=[{"Id": f"{n}", "Arn": arn} for n in range(5)], **on)
    assert refused(events.put_targets, Rule="r", Targets=[{"Id": "6", "Arn": arn}], **on)[0] == "LimitExceededException"
    assert events.list_rule_names_by_target(TargetArn=arn, **on)["RuleNames"] == ["r"]
    assert refused(events.delete_rule, Name="r", **on) == (
        "ValidationException",
        "Rule can't be deleted since it has targets.",
    )
    page = events.list_targets_by_rule(Rule="r", Limit=3, **on)
    rest = events.list_targets_by_rule(Rule="r", NextToken=page["NextToken"], **on)
    assert [each["Id"] for each in page["Targets"] + rest["Targets"]] == ["0", "1", "2", "3", "4"]
    removed = events.remove_targets(Rule="r", Ids=["0", "1", "2", "3", "4", "9"], **on)
    assert [each["TargetId"] for each in removed["FailedEntries"]] == ["9"]
    assert refused(events.delete_event_bus, Name="ev-rules")[0] == "ValidationException"
    events.tag_resource(ResourceARN=made["RuleArn"], Tags=[{"Key": "k2", "Value": "v2"}])
    events.untag_resource(ResourceARN=made["RuleArn"], TagKeys=["k"])
    assert events.list_tags_for_resource(ResourceARN=made["RuleArn"])["Tags"] == [{"Key": "k2", "Value": "v2"}]
    assert events.list_tags_for_resource(ResourceARN=bus)["Tags"] == [{"Key": "a", "Value": "b"}]
    events.delete_rule(Name="r", **on)
    events.delete_event_bus(Name="ev-rules")
    assert refused(events.describe_event_bus, Name="ev-rules") == (
        "ResourceNotFoundException",
        "Event bus ev-rules does not exist.",
    )


@pytest.mark.parametrize(
    ("params", "code", "message"),
    [
        ({}, "ValidationException", "Parameter(s) EventPattern or ScheduleExpression must be specified."),
        (
            {"EventPattern": '{"a": "b"}'},
            "InvalidEventPatternException",
            'Event pattern is not valid. Reason: "a" must be an object or an array',
        ),
        (
            {"ScheduleExpression": "rate(1 minutes)"},
            "ValidationException",
            "Parameter ScheduleExpression is not valid.",
        ),
        (
            {"ScheduleExpression": "cron(* * * * * *)"},
            "ValidationException",
            "Parameter ScheduleExpression is not valid.",
        ),
        (
            {"EventPattern": '{"a": [1]}', "EventBusName": "nowhere"},
            "ResourceNotFoundException",
            "Event bus nowhere does not exist.",
        ),
    ],
)
def test_what_is_no_rule_is_refused_in_aws_s_words(events: Any, params: Any, code: str, message: str) -> None:
    assert refused(events.put_rule, Name="no", **params) == (code, message)


def test_a_pattern_can_be_tried(events: Any) -> None:
    event = {
        "id": "1",
        "account": "0",
        "source": "s",
        "time": "2024-01-01T00:00:00Z",
        "region": "r",
        "detail-type": "t",
    }
    for source, result in (("s", True), ("x", False)):
        answer = events.test_event_pattern(EventPattern=json.dumps({"source": [source]}), Event=json.dumps(event))
        assert answer["Result"] is result
    assert refused(events.test_event_pattern, EventPattern="{", Event="{}") == (
        "InvalidEventPatternException",
        "Event pattern is not valid. Reason: Invalid JSON",
    )


def test_a_bus_has_a_policy(events: Any) -> None:
    events.create_event_bus(Name="ev-policy")
    events.put_permission(
        EventBusName="ev-policy", StatementId="s", Action="events:PutEvents", Principal="111111111111"
    )
    policy = json.loads(events.describe_event_bus(Name="ev-policy")["Policy"])
    assert policy["Statement"][0]["Principal"] == {"AWS": "arn:aws:iam::111111111111:root"}
    assert refused(events.remove_permission, EventBusName="ev-policy", StatementId="t") == (
        "ResourceNotFoundException",
        "Statement with the provided id does not exist.",
    )
    events.remove_permission(EventBusName="ev-policy", StatementId="s")
    assert "Policy" not in events.describe_event_bus(Name="ev-policy")
    assert events.list_event_buses(NamePrefix="def")["EventBuses"][0]["Name"] == "default"
    assert refused(events.create_event_bus, Name="default")[0] == "ResourceAlreadyExistsException"


def test_what_is_not_built_is_said(events: Any) -> None:
    events.put_rule(Name="ev-unbuilt", EventPattern='{"source": ["x"]}')
    for arn in (
        "arn:aws:batch:us-east-1:000000000000:job-queue/q",
        "arn:aws:events:us-east-1:000000000000:api-destination/a/00000000-0000-0000-0000-000000000000",
        "arn:aws:s3:::a-bucket",
    ):
        target = {"Id": "t", "Arn": arn}
        assert refused(events.put_targets, Rule="ev-unbuilt", Targets=[target])[0] == "NotImplemented"


def test_an_archive_is_replayed_in_order_to_its_rules(live_server: LiveServer, events: Any) -> None:
    queue = WatchedQueue(live_server, "ev-replay")
    bus = events.create_event_bus(Name="ev-replay")["EventBusArn"]
    rule = rule_to(events, queue, "ev-replay", {"source": ["kept"]}, bus="ev-replay")
    archive = events.create_archive(
        ArchiveName="ev-kept", EventSourceArn=bus, EventPattern='{"source": ["kept"]}', RetentionDays=1
    )["ArchiveArn"]
    begun = datetime.now(UTC) - timedelta(minutes=1)
    for number in range(3):
        events.put_events(Entries=[entry("kept", {"n": number}, EventBusName="ev-replay")])
    events.put_events(Entries=[entry("other", EventBusName="ev-replay")])
    queue.messages(3)
    assert events.describe_archive(ArchiveName="ev-kept")["EventCount"] == 3
    window = {"EventStartTime": begun, "EventEndTime": datetime.now(UTC) + timedelta(minutes=1)}
    destination = {"Arn": bus, "FilterArns": [rule]}
    started = events.start_replay(ReplayName="ev-again", EventSourceArn=archive, Destination=destination, **window)
    assert started["State"] == "STARTING"
    replayed = queue.bodies(3)
    assert sorted(event["detail"]["n"] for event in replayed) == [0, 1, 2]
    assert {event["replay-name"] for event in replayed} == {"ev-again"}
    eventually(lambda: events.describe_replay(ReplayName="ev-again")["State"] == "COMPLETED", "the replay's end")
    assert events.describe_archive(ArchiveName="ev-kept")["EventCount"] == 3
    assert refused(events.cancel_replay, ReplayName="ev-again")[0] == "IllegalStatusException"
    assert [each["ReplayName"] for each in events.list_replays(EventSourceArn=archive)["Replays"]] == ["ev-again"]
    events.delete_archive(ArchiveName="ev-kept")
    assert refused(events.describe_archive, ArchiveName="ev-kept") == (
        "ResourceNotFoundException",
        "Archive ev-kept does not exist.",
    )


def test_what_was_acknowledged_arrives_though_stoker_is_killed(own_server: LiveServer) -> None:
    own_server.start()
    events, queue = own_server.client("events"), WatchedQueue(own_server, "killed")
    rule_to(events, queue, "killed", {"source": ["killed"]})
    sent = [
        each["EventId"]
        for batch in range(10)
        for each in events.put_events(Entries=[entry("killed", {"n": batch * 10 + n}) for n in range(10)])["Entries"]
    ]
    own_server.kill()
    own_server.start()
    arrived: set[str] = set()
    while len(arrived) < len(sent):
        arrived.update(event["id"] for event in WatchedQueue.bodies(queue))
    assert arrived == set(sent)
