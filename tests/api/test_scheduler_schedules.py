"""EventBridge Scheduler as boto3 sees it."""

import contextlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fakes.destinations import WatchedQueue
from fakes.live_server import LiveServer

ROLE = "arn:aws:iam::000000000000:role/stoker-tests-scheduler"
# One that only Lambda may assume.
LAMBDAS = "arn:aws:iam::000000000000:role/test"
OFF = {"Mode": "OFF"}


@pytest.fixture
def scheduler(live_server: LiveServer) -> Any:
    trust = {"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole"}
    may = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    iam = live_server.client("iam")
    name = ROLE.rpartition("/")[2]
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        document = json.dumps({"Version": "2012-10-17", "Statement": trust})
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)
    iam.put_role_policy(
        RoleName=name, PolicyName="all", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": may})
    )
    return live_server.client("scheduler")


def refused(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_a_schedule_is_shown_as_it_was_made_changed_and_deleted(live_server: LiveServer, scheduler: Any) -> None:
    group = scheduler.create_schedule_group(Name="sch-group", Tags=[{"Key": "a", "Value": "b"}])["ScheduleGroupArn"]
    queue = WatchedQueue(live_server, "sch-shown")
    target = {"Arn": queue.arn, "RoleArn": ROLE, "Input": "{}", "RetryPolicy": {"MaximumRetryAttempts": 1}}
    begin = datetime(2099, 1, 1, tzinfo=UTC)
    names = {"Name": "shown", "GroupName": "sch-group"}
    made = scheduler.create_schedule(
        **names,
        ScheduleExpression="cron(0 6 ? * MON-FRI *)",
        ScheduleExpressionTimezone="Europe/Berlin",
        StartDate=begin,
        FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5},
        Target=target,
        Description="d",
    )
    assert made["ScheduleArn"] == "arn:aws:scheduler:us-east-1:000000000000:schedule/sch-group/shown"
    shown = scheduler.get_schedule(**names)
    for name in ("ResponseMetadata", "CreationDate", "LastModificationDate"):
        del shown[name]
    assert shown == {
        "Arn": made["ScheduleArn"],
        **names,
        "ScheduleExpression": "cron(0 6 ? * MON-FRI *)",
        "ScheduleExpressionTimezone": "Europe/Berlin",
        "StartDate": begin,
        "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5},
        "Target": target,
        "Description": "d",
        "State": "ENABLED",
        "ActionAfterCompletion": "NONE",
    }
    scheduler.update_schedule(
        **names, ScheduleExpression="rate(1 day)", FlexibleTimeWindow=OFF, Target=target, State="DISABLED"
    )
    changed = scheduler.get_schedule(**names)
    assert (changed["State"], changed["ScheduleExpressionTimezone"]) == ("DISABLED", "UTC")
    assert "Description" not in changed
    (listed,) = scheduler.list_schedules(GroupName="sch-group", State="DISABLED")["Schedules"]
    assert listed["Target"] == {"Arn": queue.arn}
    assert scheduler.list_tags_for_resource(ResourceArn=group)["Tags"] == [{"Key": "a", "Value": "b"}]
    scheduler.delete_schedule_group(Name="sch-group")
    assert refused(scheduler.get_schedule, **names) == (
        "ResourceNotFoundException",
        "Schedule group sch-group does not exist.",
    )


def test_pages_of_schedules_have_them_all(live_server: LiveServer, scheduler: Any) -> None:
    target = {"Arn": WatchedQueue(live_server, "sch-pages").arn, "RoleArn": ROLE, "Input": "{}"}
    for name in "abc":
        scheduler.create_schedule(
            Name=f"page-{name}", ScheduleExpression="at(2099-01-01T00:00:00)", FlexibleTimeWindow=OFF, Target=target
        )
    pages = scheduler.get_paginator("list_schedules").paginate(NamePrefix="page-", PaginationConfig={"PageSize": 2})
    assert [each["Name"] for page in pages for each in page["Schedules"]] == ["page-a", "page-b", "page-c"]


@pytest.mark.parametrize(
    ("members", "code", "message"),
    [
        ({"ScheduleExpression": "rate(soon)"}, "ValidationException", "Invalid Schedule Expression rate(soon)."),
        (
            {"Target": {"RoleArn": f"{ROLE}-not-there"}},
            "ValidationException",
            "must allow AWS EventBridge Scheduler to",
        ),
        ({"Target": {"RoleArn": LAMBDAS}}, "ValidationException", "must allow AWS EventBridge Scheduler to"),
        ({"GroupName": "nowhere"}, "ResourceNotFoundException", "Schedule group nowhere does not exist."),
        ({"KmsKeyArn": "arn:aws:kms:us-east-1:000000000000:key/k"}, "NotImplemented", "KmsKeyArn"),
        ({"Target": {"Arn": "arn:aws:scheduler:::aws-sdk:ec2:startInstances"}}, "NotImplemented", "ec2:startInstances"),
        ({"Target": {"Arn": "arn:aws:batch:us-east-1:000000000000:job/x"}}, "NotImplemented", "batch"),
        ({"Target": {"Arn": "arn:aws:s3:::a-bucket"}}, "NotImplemented", "s3"),
        ({"Target": {"Arn": "arn:aws:sqs:us-east-1:000000000000:q.fifo", "Input": "{}"}}, "ValidationException", "Sqs"),
    ],
)
def test_what_is_no_schedule_is_refused(scheduler: Any, members: Any, code: str, message: str) -> None:
    target = {
        "Arn": "arn:aws:sqs:us-east-1:000000000000:q",
        "Input": "{}",
        "RoleArn": ROLE,
        **members.pop("Target", {}),
    }
    given = {"Name": "no", "ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": OFF, "Target": target, **members}
    found = refused(scheduler.create_schedule, **given)
    assert found[0] == code
    assert message in found[1]


def test_a_schedule_that_is_due_calls_its_target_also_on_a_bus(live_server: LiveServer, scheduler: Any) -> None:
    queue = WatchedQueue(live_server, "sch-fires")
    events = live_server.client("events")
    events.put_rule(Name="sch-fires", EventPattern='{"source": ["clockwork"]}')
    events.put_targets(Rule="sch-fires", Targets=[{"Id": "q", "Arn": queue.arn}])
    bus = {
        "Arn": "arn:aws:events:us-east-1:000000000000:event-bus/default",
        "RoleArn": ROLE,
        "Input": '{"a": 1}',
        "EventBridgeParameters": {"Source": "clockwork", "DetailType": "tick"},
    }
    soon = (datetime.now(UTC) + timedelta(seconds=1)).strftime("at(%Y-%m-%dT%H:%M:%S)")
    scheduler.create_schedule(
        Name="sch-fires", ScheduleExpression=soon, FlexibleTimeWindow=OFF, Target=bus, ActionAfterCompletion="DELETE"
    )
    (event,) = queue.bodies()
    assert (event["detail-type"], event["detail"]) == ("tick", {"a": 1})
    assert refused(scheduler.get_schedule, Name="sch-fires")[1] == "Schedule sch-fires does not exist."
