"""The operations on alarms."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from stoker.alarms.alarm import Alarm, State, alarm_arn
from stoker.alarms.alarms import Alarms, HistoryItem, with_actions, with_tags
from stoker.model.clock import Clock
from stoker.model.errors import NotBuiltError
from stoker.observability.cloudwatch.errors import (
    AlarmNotFoundError,
    InvalidFormatError,
    InvalidValueError,
    LimitExceededError,
    ResourceNotFoundError,
)
from stoker.observability.cloudwatch.metric_math import MetricMath
from stoker.observability.cloudwatch.query_words import metric_of
from stoker.services.cloudwatch.alarm_words import ACTION_LISTS, describe, settings_of
from stoker.services.cloudwatch.pages import offset_of, token_of
from stoker.wire.message import Call

# CloudWatch's default quota.
MOST_ALARMS = 5_000
MOST_TAGS = 50
MOST_RECORDS = 100
METRIC_ALARM = "MetricAlarm"


class AlarmOperations:
    """Made, shown, changed and deleted."""

    def __init__(self, *, alarms: Alarms, clock: Clock, math: MetricMath) -> None:
        self._alarms = alarms
        self._clock = clock
        self._math = math

    async def put_metric_alarm(self, call: Call) -> None:
        params, region = call.params, call.region
        settings = settings_of(params, region=region, account=call.account, math=self._math)
        there = await self._alarms.of_region(region)
        if len(there) >= MOST_ALARMS and all(alarm.name != params["AlarmName"] for alarm in there):
            raise LimitExceededError
        tags = _tags(params.get("Tags", []))
        await self._alarms.put(region, params["AlarmName"], settings, tags)

    async def describe_alarms(self, call: Call) -> Mapping[str, Any]:
        params = call.params
        for name in ("ChildrenOfAlarmName", "ParentsOfAlarmName"):
            if name in params:
                raise NotBuiltError(f"{name} is for composite alarms, which are not built.")
        if METRIC_ALARM not in params.get("AlarmTypes", [METRIC_ALARM]):
            return {"MetricAlarms": [], "CompositeAlarms": []}
        found = [alarm for alarm in await self._alarms.of_region(call.region) if _is_asked_for(alarm, params)]
        offset, most = offset_of(params.get("NextToken")), params.get("MaxRecords", MOST_RECORDS)
        token = {"NextToken": token_of(offset + most)} if len(found) > offset + most else {}
        page = [describe(alarm, call.account) for alarm in found[offset : offset + most]]
        return {"MetricAlarms": page, "CompositeAlarms": [], **token}

    async def describe_alarms_for_metric(self, call: Call) -> Mapping[str, Any]:
        metric = metric_of(call.params, call.region)
        names = ("Statistic", "ExtendedStatistic", "Period", "Unit")
        asked = {name: call.params[name] for name in names if name in call.params}
        found = [
            describe(alarm, call.account)
            for alarm in await self._alarms.of_region(call.region)
            if any(query.metric == metric for query in alarm.queries(self._math))
            and all(alarm.settings.get(name) == value for name, value in asked.items())
        ]
        return {"MetricAlarms": found}

    async def delete_alarms(self, call: Call) -> None:
        missing = await self._alarms.delete(call.region, call.params["AlarmNames"])
        if missing:
            raise AlarmNotFoundError(f"Some of the alarms do not exist: {', '.join(missing)}")

    async def enable_alarm_actions(self, call: Call) -> None:
        for name in call.params["AlarmNames"]:
            await self._alarms.change(call.region, name, with_actions(True))

    async def disable_alarm_actions(self, call: Call) -> None:
        for name in call.params["AlarmNames"]:
            await self._alarms.change(call.region, name, with_actions(False))

    async def set_alarm_state(self, call: Call) -> None:
        params, data = call.params, call.params.get("StateReasonData")
        if data is not None and not _is_json(data):
            raise InvalidFormatError("The parameter StateReasonData must be JSON.")
        done = False
        while not done:
            alarm = await self._alarms.get(call.region, params["AlarmName"])
            if alarm is None:
                raise AlarmNotFoundError
            state = State(
                value=params["StateValue"], reason=params["StateReason"], data=data, updated_at=self._clock.time()
            )
            done = await self._alarms.come_into(alarm, state)

    async def describe_alarm_history(self, call: Call) -> Mapping[str, Any]:
        params = call.params
        if "AlarmContributorId" in params:
            raise NotBuiltError("Contributors of alarms are not built.")
        newest_first = params.get("ScanBy", "TimestampDescending") == "TimestampDescending"
        found = await self._alarms.history(
            call.region,
            params.get("AlarmName"),
            kind=params.get("HistoryItemType"),
            since=params["StartDate"].timestamp() if "StartDate" in params else 0.0,
            until=params["EndDate"].timestamp() if "EndDate" in params else self._clock.time(),
        )
        ordered = found[::-1] if newest_first else found
        offset, most = offset_of(params.get("NextToken")), params.get("MaxRecords", MOST_RECORDS)
        token = {"NextToken": token_of(offset + most)} if len(ordered) > offset + most else {}
        return {"AlarmHistoryItems": [_item(each) for each in ordered[offset : offset + most]], **token}

    async def tag_resource(self, call: Call) -> None:
        given = _tags(call.params["Tags"])

        def change(tags: Mapping[str, str]) -> Mapping[str, str]:
            if len({**tags, **given}) > MOST_TAGS:
                raise InvalidValueError(f"A resource can have no more than {MOST_TAGS} tags.")
            return {**tags, **given}

        await self._retag(call, change)

    async def untag_resource(self, call: Call) -> None:
        gone = set(call.params["TagKeys"])
        await self._retag(call, lambda tags: {key: value for key, value in tags.items() if key not in gone})

    async def list_tags_for_resource(self, call: Call) -> Mapping[str, Any]:
        alarm = await self._alarms.get(call.region, _named(call))
        if alarm is None:
            raise ResourceNotFoundError(ResourceType="Alarm", ResourceId=call.params["ResourceARN"])
        return {"Tags": [{"Key": key, "Value": value} for key, value in alarm.tags.items()]}

    async def _retag(self, call: Call, change: Any) -> None:
        if not await self._alarms.change(call.region, _named(call), with_tags(change)):
            raise ResourceNotFoundError(ResourceType="Alarm", ResourceId=call.params["ResourceARN"])


def _named(call: Call) -> str:
    """The alarm's name in an ARN of this region and account."""
    begin = alarm_arn(call.region, call.account, "")
    arn: str = call.params["ResourceARN"]
    if not arn.startswith(begin):
        raise InvalidValueError(f"The value {arn} for parameter ResourceARN is no alarm's.")
    return arn.removeprefix(begin)


def _tags(given: Sequence[Mapping[str, str]]) -> Mapping[str, str]:
    tags = {each["Key"]: each["Value"] for each in given}
    if len(tags) > MOST_TAGS:
        raise InvalidValueError(f"A resource can have no more than {MOST_TAGS} tags.")
    return tags


def _is_asked_for(alarm: Alarm, params: Mapping[str, Any]) -> bool:
    targets = [target for name in ACTION_LISTS for target in alarm.settings.get(name, [])]
    return (
        ("AlarmNames" not in params or alarm.name in params["AlarmNames"])
        and alarm.name.startswith(params.get("AlarmNamePrefix", ""))
        and params.get("StateValue", alarm.state.value) == alarm.state.value
        and ("ActionPrefix" not in params or any(each.startswith(params["ActionPrefix"]) for each in targets))
    )


def _item(item: HistoryItem) -> Mapping[str, Any]:
    return {
        "AlarmName": item.name,
        "AlarmType": METRIC_ALARM,
        "Timestamp": item.at,
        "HistoryItemType": item.kind,
        "HistorySummary": item.summary,
        "HistoryData": item.data,
    }


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
