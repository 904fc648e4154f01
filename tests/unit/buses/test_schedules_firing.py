"""Rules and schedules fire when they are due, on both engines, with a clock that the test moves."""

import errno
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from fakes.buses import EVERY_MINUTE, REGION, BusBench, bus_bench
from fakes.loop import on_loop, until
from fakes.outbox import DEAD_LETTERS, QUEUE
from stoker.buses.schedule import Schedule, check_document
from stoker.buses.schedule_errors import ConflictException
from stoker.buses.schedule_targets import Firing, check_target, deliveries
from stoker.buses.timetable import RETRY_S
from stoker.model.errors import ResourceNotFoundException, ValidationException

ROLE = "arn:aws:iam::000000000000:role/r"
OFF = {"Mode": "OFF"}


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


async def schedule(
    bench: BusBench, expression: str, name: str = "s", target: Any = None, token: str | None = None, **members: Any
) -> Schedule:
    given = {"Arn": QUEUE, "RoleArn": ROLE, "Input": '"due"', **(target or {})}
    document = {"ScheduleExpression": expression, "FlexibleTimeWindow": OFF, "State": "ENABLED", "Target": given}
    return await bench.schedules.create(REGION, "default", name, {**document, **members}, token)


@on_loop
async def test_a_rule_fires_each_time_it_is_due_with_aws_s_event(store_url: str) -> None:
    async with bus_bench(store_url) as bench:
        began = bench.clock.time()
        rule = await bench.rule(schedule=EVERY_MINUTE)
        bench.clock.advance(59)
        await bench.arrived(0)
        bench.clock.advance(1)
        (event,) = await bench.arrived(1)
        assert event.pop("id")
        assert event == {
            "version": "0",
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": "000000000000",
            "time": datetime.fromtimestamp(began + 60, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": "us-east-1",
            "resources": [rule.arn("000000000000")],
            "detail": {},
        }
        bench.clock.advance(60)
        await bench.arrived(2)


@on_loop
async def test_a_disabled_rule_does_not_fire_until_it_is_enabled(store_url: str) -> None:
    async with bus_bench(store_url) as bench:
        await bench.rule(schedule=EVERY_MINUTE)
        await bench.rules.switch(REGION, "default", "r", enabled=False)
        bench.clock.advance(300)
        await bench.arrived(0)
        bench.rule_schedules.note((await bench.rules.switch(REGION, "default", "r", enabled=True)).due_at)
        bench.clock.advance(60)
        await bench.arrived(1)


@on_loop
async def test_what_was_due_while_stoker_was_down_fires_once(store_url: str) -> None:
    async with bus_bench(store_url) as bench:
        await bench.rule(schedule=EVERY_MINUTE)
        await schedule(bench, "rate(1 minute)", StartDate=bench.clock.time() + 60)
        await bench.stop()
        bench.clock.advance(3600)
        bench.new()
        await bench.start()
        await bench.arrived(2)
        bench.clock.advance(60)
        await bench.arrived(4)


@on_loop
async def test_a_firing_is_not_lost_and_not_made_twice_by_a_crash(store_url: str) -> None:
    async with bus_bench(store_url) as bench:
        await bench.rule(schedule=EVERY_MINUTE)
        bench.inbox.go.clear()
        bench.clock.advance(60)
        await until(lambda: bench.inbox.tried)
        await bench.crash()
        bench.new()
        await bench.start()
        await bench.arrived(1)


@on_loop
async def test_a_rate_begins_at_once_and_a_start_date_puts_it_off(store_url: str) -> None:
    async with bus_bench(store_url) as bench:
        await schedule(bench, "rate(5 minutes)")
        await bench.arrived(1)
        await schedule(bench, "rate(5 minutes)", "later", StartDate=bench.clock.time() + 60)
        bench.clock.advance(60)
        await bench.arrived(2)
        bench.clock.advance(240)
        await bench.arrived(3)
        bench.clock.advance(60)
        await bench.arrived(4)


@on_loop
async def test_once_is_once_and_the_schedule_goes_if_it_was_to(store_url: str) -> None:
    async with bus_bench(store_url) as bench:
        when = datetime.fromtimestamp(bench.clock.time() + 3600, UTC).strftime("at(%Y-%m-%dT%H:%M:%S)")
        await schedule(bench, when, "stays")
        await schedule(bench, when, "goes", ActionAfterCompletion="DELETE")
        bench.clock.advance(3600)
        await bench.arrived(2)
        assert (await bench.schedules.get(REGION, "default", "stays")).due_at is None
        with pytest.raises(ResourceNotFoundException):
            await bench.schedules.get(REGION, "default", "goes")
        # Leases are renewed three times a minute: a year of it takes seconds.
        bench.clock.advance(86_400 * 3)
        await bench.arrived(2)


@on_loop
async def test_after_the_end_date_nothing_fires(store_url: str) -> None:
    async with bus_bench(store_url) as bench:
        end = bench.clock.time() + 60
        await schedule(bench, "rate(1 minute)", EndDate=end, ActionAfterCompletion="DELETE")
        await bench.arrived(1)
        bench.clock.advance(60)
        await bench.arrived(2)
        bench.clock.advance(600)
        await bench.arrived(2)
        with pytest.raises(ResourceNotFoundException):
            await bench.schedules.get(REGION, "default", "s")


@on_loop
async def test_six_in_the_morning_is_six_where_the_schedule_says(store_url: str) -> None:
    async with bus_bench(store_url) as bench:
        bench.clock.advance(at("2024-03-30T12:00") - bench.clock.time())
        made = await schedule(bench, "cron(0 6 * * ? *)", ScheduleExpressionTimezone="Europe/Berlin")
        assert made.due_at == at("2024-03-31T04:00")


@on_loop
async def test_a_flexible_window_puts_off_each_time_within_it(store_url: str) -> None:
    async with bus_bench(store_url) as bench:
        window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 10}
        made = await schedule(bench, "rate(1 hour)", FlexibleTimeWindow=window)
        assert made.due_at == bench.clock.time() + 300
        bench.clock.advance(300)
        await bench.arrived(1)
        assert (await bench.schedules.get(REGION, "default", "s")).due_at == made.due_at + 3600


@on_loop
async def test_an_input_is_filled_in_and_without_one_there_is_aws_s(store_url: str) -> None:
    async with bus_bench(store_url) as bench:
        names = ("schedule-arn", "scheduled-time", "attempt-number", "execution-id")
        await schedule(bench, "rate(1 hour)", target={"Input": json.dumps([f"<aws.scheduler.{it}>" for it in names])})
        ((arn, time, attempt, execution),) = await bench.arrived(1)
        assert arn == "arn:aws:scheduler:us-east-1:000000000000:schedule/default/s"
        assert (time, attempt, len(execution)) == ("2023-11-14T22:13:20Z", "1", 36)
        assert bench.inbox.taken[0].role_arn == ROLE
        assert bench.inbox.taken[0].caller == "scheduler.amazonaws.com"


@on_loop
async def test_universal_targets_that_are_there_do_what_their_operation_does(store_url: str) -> None:
    async with bus_bench(store_url) as bench:
        call = {"QueueUrl": "http://here/000000000000/orders", "MessageBody": '"sent"'}
        target = {"Arn": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage", "Input": json.dumps(call)}
        await schedule(bench, "rate(1 hour)", target=target)
        assert await bench.arrived(1) == ["sent"]
        assert bench.inbox.taken[0].target == QUEUE


@on_loop
async def test_what_cannot_be_delivered_is_a_dead_letter_that_names_the_schedule(store_url: str) -> None:
    async with bus_bench(store_url) as bench:
        bench.inbox.script = lambda it: ResourceNotFoundException("gone") if it.target == QUEUE else None
        made = await schedule(bench, "rate(1 hour)", target={"DeadLetterConfig": {"Arn": DEAD_LETTERS}})
        await bench.arrived(1)
        attributes = bench.inbox.taken[0].attributes
        assert attributes["SCHEDULE_ARN"] == made.arn("000000000000")
        assert attributes["ERROR_CODE"] == "NO_RESOURCE"
        assert attributes["SCHEDULED_TIME"] == "2023-11-14T22:13:20Z"


@on_loop
async def test_a_schedule_that_cannot_be_made_out_keeps_no_other_back(store_url: str) -> None:
    async with bus_bench(store_url) as bench:
        broken = {"Arn": "arn:aws:events:us-east-1:000000000000:event-bus/default", "Input": "{"}
        await schedule(bench, "rate(1 hour)", "broken", target=broken)
        await schedule(bench, "rate(1 hour)", "whole")
        assert await bench.arrived(1) == ["due"]


@on_loop
async def test_the_same_call_twice_is_one_and_another_one_is_a_conflict(store_url: str) -> None:
    async with bus_bench(store_url) as bench:
        await schedule(bench, "rate(1 hour)", token="t")
        await schedule(bench, "rate(1 hour)", token="t")
        await bench.arrived(1)
        with pytest.raises(ConflictException):
            await schedule(bench, "rate(1 hour)", token="u")


@on_loop
async def test_more_than_one_turn_s_worth_that_is_due_at_once_all_fires(store_url: str) -> None:
    async with bus_bench(store_url) as bench:
        for number in range(120):
            await schedule(bench, "rate(1 hour)", f"s{number}", StartDate=bench.clock.time() + 60)
        bench.clock.advance(60)
        await bench.arrived(120)


@pytest.mark.parametrize(
    "members",
    [
        {"ScheduleExpressionTimezone": "Nowhere/Town"},
        {"ScheduleExpressionTimezone": "../etc/passwd"},
        {"ScheduleExpression": "rate(0 hours)"},
        {"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}},
        {"FlexibleTimeWindow": {"Mode": "OFF", "MaximumWindowInMinutes": 1}},
        {"StartDate": 2.0, "EndDate": 1.0},
    ],
)
def test_what_is_no_schedule_is_refused(members: Any) -> None:
    document = {"ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": OFF, "Target": {}}
    with pytest.raises(ValidationException):
        check_document({**document, **members})


@on_loop
async def test_a_stream_is_given_the_partition_key_that_the_schedule_names(store_url: str) -> None:
    target = {"Arn": "arn:aws:kinesis:us-east-1:000000000000:stream/s", "RoleArn": ROLE, "Input": "now"}
    async with bus_bench(store_url) as bench:
        with pytest.raises(ValidationException, match="KinesisParameters must be set"):
            check_target(target, "kinesis")
        keyed = {**target, "KinesisParameters": {"PartitionKey": "k"}}
        check_target(keyed, "kinesis")
        made = await schedule(bench, "rate(1 minute)", target=keyed)
        (delivery,) = deliveries(
            Firing(schedule=made, account="000000000000", scheduled_at=bench.clock.time(), execution_id="e")
        )
    assert (delivery.target, delivery.body, delivery.group_id) == (target["Arn"], b"now", "k")


UNMADE = {"QueueUrl": "http://here/000000000000/orders", "MessageBody": 7}
SEND = "arn:aws:scheduler:::aws-sdk:sqs:sendMessage"


@on_loop
async def test_a_schedule_that_cannot_be_made_out_is_a_dead_letter(store_url: str) -> None:
    async with bus_bench(store_url) as bench:
        target = {"Arn": SEND, "Input": json.dumps(UNMADE), "DeadLetterConfig": {"Arn": DEAD_LETTERS}}
        made = await schedule(bench, "rate(1 hour)", target=target)
        assert await bench.arrived(1) == [UNMADE]
        attributes = bench.inbox.taken[0].attributes
        assert (attributes["SCHEDULE_ARN"], attributes["TARGET_ARN"]) == (made.arn("000000000000"), SEND)
        assert attributes["ERROR_CODE"] == "NOT_IMPLEMENTED"


@pytest.mark.parametrize(
    ("operation", "given"),
    [
        ("sqs:sendMessage", UNMADE),
        ("sqs:sendMessage", {"QueueUrl": 1, "MessageBody": "a"}),
        ("lambda:invoke", {"FunctionName": None}),
        ("sns:publish", {"TopicArn": [], "Message": "a"}),
        ("eventbridge:putEvents", {"Entries": {}}),
    ],
)
def test_a_call_whose_members_are_something_else_is_refused(operation: str, given: Any) -> None:
    target = {"Arn": f"arn:aws:scheduler:::aws-sdk:{operation}", "RoleArn": ROLE, "Input": json.dumps(given)}
    with pytest.raises(ValidationException, match="Invalid RequestJson provided"):
        check_target(target, None)


@on_loop
async def test_what_is_due_while_the_disk_is_full_fires_once_when_there_is_room(
    store_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with bus_bench(store_url) as bench:
        await bench.rule(schedule=EVERY_MINUTE)
        await schedule(bench, "rate(1 hour)", StartDate=bench.clock.time() + 60)

        async def full(_work: Any, **_options: Any) -> Any:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as disk:
            disk.setattr(bench.store, "write", full)
            for seconds, tries in ((60, 1), (RETRY_S, 2)):
                bench.clock.advance(seconds)
                for each in ("rules", "schedules"):
                    said = f"the timetable of {each} could not be kept"
                    await until(lambda said=said, tries=tries: caplog.messages.count(said) == tries)
        await bench.arrived(0)
        bench.clock.advance(RETRY_S)
        await bench.arrived(2)
