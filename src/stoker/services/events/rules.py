"""Operations on rules, and on the tags of rules and buses."""

import contextlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from stoker.buses import names
from stoker.buses.event_buses import EventBuses
from stoker.buses.event_errors import InvalidEventPatternException
from stoker.buses.names import DEFAULT_BUS
from stoker.buses.rule_schedules import RuleSchedules
from stoker.buses.rules import Rule, Rules, compiled
from stoker.model.errors import NotBuiltError, ResourceNotFoundException, ServiceError, ValidationException
from stoker.services.events.buses import tags_of
from stoker.services.events.pages import page, start
from stoker.wire.message import Call

_NOTHING: Mapping[str, Any] = {}
STATES = {True: "ENABLED", False: "DISABLED"}
# What TestEventPattern's event has to have.
EVENT_MEMBERS = ("id", "account", "source", "time", "region", "detail-type")


class RuleOperations:
    """Put, describe, list, switch and delete rules."""

    def __init__(self, rules: Rules, buses: EventBuses, schedules: RuleSchedules) -> None:
        self._rules = rules
        self._buses = buses
        self._schedules = schedules

    async def put_rule(self, call: Call) -> Mapping[str, Any]:
        params = call.params
        if params.get("State") not in (None, "ENABLED", "DISABLED"):
            raise NotBuiltError(f"The state {params['State']} is not built: there are no CloudTrail events.")
        rule = await self._rules.put(
            Rule(
                region=call.region,
                bus=names.bus_name(params.get("EventBusName")),
                name=params["Name"],
                pattern=params.get("EventPattern") or None,
                schedule=params.get("ScheduleExpression") or None,
                enabled=params.get("State", "ENABLED") == "ENABLED",
                description=params.get("Description"),
                role_arn=params.get("RoleArn"),
                tags=tags_of(params),
            )
        )
        self._schedules.note(rule.due_at)
        return {"RuleArn": rule.arn(call.account)}

    async def describe_rule(self, call: Call) -> Mapping[str, Any]:
        rule = await self._rules.get(call.region, _bus(call), call.params["Name"])
        return {**_describe(call, rule), "CreatedBy": call.account}

    async def list_rules(self, call: Call) -> Mapping[str, Any]:
        after, limit = start(call.params)
        prefix = call.params.get("NamePrefix", "")
        found = await self._rules.list(call.region, _bus(call), prefix, after, limit + 1)
        shown, token = page(found, limit, lambda rule: rule.name)
        return {"Rules": [_describe(call, rule) for rule in shown], **token}

    async def list_rule_names_by_target(self, call: Call) -> Mapping[str, Any]:
        after, limit = start(call.params)
        arn = call.params["TargetArn"]
        found = await self._rules.names_by_target(call.region, _bus(call), arn, after, limit + 1)
        shown, token = page(found, limit, str)
        return {"RuleNames": shown, **token}

    async def enable_rule(self, call: Call) -> Mapping[str, Any]:
        rule = await self._rules.switch(call.region, _bus(call), call.params["Name"], enabled=True)
        self._schedules.note(rule.due_at)
        return _NOTHING

    async def disable_rule(self, call: Call) -> Mapping[str, Any]:
        await self._rules.switch(call.region, _bus(call), call.params["Name"], enabled=False)
        return _NOTHING

    async def delete_rule(self, call: Call) -> Mapping[str, Any]:
        await self._rules.delete(call.region, _bus(call), call.params["Name"])
        return _NOTHING

    async def test_event_pattern(self, call: Call) -> Mapping[str, Any]:
        pattern = compiled(call.params["EventPattern"])
        try:
            event = json.loads(call.params["Event"])
        except (ValueError, RecursionError):
            raise InvalidEventPatternException("Event is not valid. Reason: Invalid JSON") from None
        if not isinstance(event, dict):
            raise InvalidEventPatternException("Event is not valid. Reason: Event is not an object")
        for name in EVENT_MEMBERS:
            if name not in event:
                raise ValidationException(f"Parameter Event is not valid. Reason: {name} is a required member.")
        return {"Result": pattern.matches(event)}

    async def tag_resource(self, call: Call) -> Mapping[str, Any]:
        await self._change_tags(call, tags_of(call.params), ())
        return _NOTHING

    async def untag_resource(self, call: Call) -> Mapping[str, Any]:
        await self._change_tags(call, {}, call.params["TagKeys"])
        return _NOTHING

    async def list_tags_for_resource(self, call: Call) -> Mapping[str, Any]:
        tags = await self._tags(call.region, call.params["ResourceARN"])
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    async def resource_tags(self, arn: str) -> Mapping[str, str]:
        """Those of a bus or a rule, by its ARN; none for what is neither."""
        with contextlib.suppress(ServiceError):
            return await self._tags(arn.split(":")[3], arn)
        return {}

    async def _tags(self, region: str, arn: str) -> Mapping[str, str]:
        kind, bus, name = _tagged(arn)
        if kind == "event-bus":
            return (await self._buses.get(region, bus)).tags
        return (await self._rules.get(region, bus, name)).tags

    async def _change_tags(self, call: Call, add: Mapping[str, str], remove: Sequence[str]) -> None:
        kind, bus, name = _tagged(call.params["ResourceARN"])
        if kind == "event-bus":
            await self._buses.tag(call.region, bus, add, remove)
        else:
            await self._rules.tag(call.region, bus, name, add, remove)


def _bus(call: Call) -> str:
    return names.bus_name(call.params.get("EventBusName"))


def _tagged(arn: str) -> tuple[str, str, str]:
    """What an ARN names: a bus, or a rule of a bus."""
    if (bus := names.of_arn(arn, "event-bus")) is not None:
        return "event-bus", bus, ""
    if (place := names.of_arn(arn, "rule")) is not None:
        bus, slash, name = place.rpartition("/")
        return "rule", bus if slash else DEFAULT_BUS, name
    raise ResourceNotFoundException(f"Resource {arn} does not exist.")


def _describe(call: Call, rule: Rule) -> Mapping[str, Any]:
    return {
        "Name": rule.name,
        "Arn": rule.arn(call.account),
        "EventPattern": rule.pattern,
        "State": STATES[rule.enabled],
        "Description": rule.description,
        "ScheduleExpression": rule.schedule,
        "RoleArn": rule.role_arn,
        "EventBusName": rule.bus,
    }
