"""Operations on event buses and their policies."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from stoker.buses import names
from stoker.buses.event_buses import EventBus, EventBuses
from stoker.buses.names import DEFAULT_BUS
from stoker.model.errors import NotBuiltError, ValidationException
from stoker.services.events.pages import page, start
from stoker.wire.message import Call

_NOTHING: Mapping[str, Any] = {}
_UNBUILT = {
    "KmsKeyIdentifier": "Encryption of event buses with a KMS key",
    "DeadLetterConfig": "A dead-letter queue of an event bus (for events that cannot be decrypted)",
    "LogConfig": "Logging of event buses",
    "EventSourceName": "Partner event sources",
}


class BusOperations:
    """Create, describe, list, change and delete buses."""

    def __init__(self, buses: EventBuses) -> None:
        self._buses = buses

    async def create_event_bus(self, call: Call) -> Mapping[str, Any]:
        refuse(call.params, _UNBUILT)
        params = call.params
        bus = await self._buses.create(call.region, params["Name"], params.get("Description"), tags_of(params))
        answer = {"EventBusArn": names.bus_arn(call.region, call.account, bus.name)}
        return {**answer, "Description": bus.description}

    async def describe_event_bus(self, call: Call) -> Mapping[str, Any]:
        bus = await self._buses.get(call.region, names.bus_name(call.params.get("Name")))
        return _describe(call, bus)

    async def list_event_buses(self, call: Call) -> Mapping[str, Any]:
        after, limit = start(call.params)
        found = await self._buses.list(call.region, call.params.get("NamePrefix", ""), after, limit + 1)
        shown, token = page(found, limit, lambda bus: bus.name)
        return {"EventBuses": [_describe(call, bus) for bus in shown], **token}

    async def update_event_bus(self, call: Call) -> Mapping[str, Any]:
        refuse(call.params, _UNBUILT)
        name = call.params.get("Name", DEFAULT_BUS)
        bus = await self._buses.update(call.region, name, call.params.get("Description"))
        return {"Arn": names.bus_arn(call.region, call.account, name), "Name": name, "Description": bus.description}

    async def delete_event_bus(self, call: Call) -> Mapping[str, Any]:
        await self._buses.delete(call.region, names.bus_name(call.params["Name"]))
        return _NOTHING

    async def put_permission(self, call: Call) -> Mapping[str, Any]:
        params, name = call.params, call.params.get("EventBusName", DEFAULT_BUS)
        if "Policy" in params:
            if params.keys() & {"Action", "Principal", "StatementId", "Condition"}:
                raise ValidationException("A policy cannot be given together with parameters of one statement.")
            await self._buses.set_policy(call.region, name, params["Policy"])
            return _NOTHING
        for needed in ("Action", "Principal", "StatementId"):
            if needed not in params:
                raise ValidationException(f"Parameter {needed} must be specified.")
        await self._buses.add_statement(call.region, name, _statement(call, name))
        return _NOTHING

    async def remove_permission(self, call: Call) -> Mapping[str, Any]:
        params = call.params
        if not params.get("RemoveAllPermissions") and "StatementId" not in params:
            raise ValidationException("Parameter StatementId must be specified.")
        sid = None if params.get("RemoveAllPermissions") else params["StatementId"]
        await self._buses.remove_statement(call.region, params.get("EventBusName", DEFAULT_BUS), sid)
        return _NOTHING


def refuse(params: Mapping[str, Any], unbuilt: Mapping[str, str]) -> None:
    """Raise NotBuiltError for a parameter that nothing here would obey."""
    for name, what in unbuilt.items():
        if params.get(name):
            raise NotBuiltError(f"{what} ({name}) is not there yet in Stoker.")


def tags_of(params: Mapping[str, Any]) -> Mapping[str, str]:
    return {tag["Key"]: tag["Value"] for tag in params.get("Tags", ())}


def instant(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _describe(call: Call, bus: EventBus) -> Mapping[str, Any]:
    return {
        "Name": bus.name,
        "Arn": names.bus_arn(call.region, call.account, bus.name),
        "Description": bus.description,
        "Policy": bus.policy,
        "CreationTime": instant(bus.created or None),
        "LastModifiedTime": instant(bus.modified or None),
    }


def _statement(call: Call, bus: str) -> Mapping[str, Any]:
    """The statement that PutPermission's parameters mean, as DescribeEventBus shows it."""
    params = call.params
    principal = params["Principal"]
    statement: dict[str, Any] = {
        "Sid": params["StatementId"],
        "Effect": "Allow",
        "Principal": "*" if principal == "*" else {"AWS": f"arn:aws:iam::{principal}:root"},
        "Action": params["Action"],
        "Resource": names.bus_arn(call.region, call.account, bus),
    }
    if condition := params.get("Condition"):
        statement["Condition"] = {condition["Type"]: {condition["Key"]: condition["Value"]}}
    return statement
