"""Event invoke configs and recursion: how a function wants its asynchronous events treated."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from stoker.functions.event_invoke_config import EventInvokeConfig, EventInvokeConfigs, EventInvokeSettings
from stoker.functions.recursion import Recursion
from stoker.model.arn import FunctionId
from stoker.model.limits import LIST_PAGE_ITEMS
from stoker.services.lambda_.execution_role import RoleChecks
from stoker.services.lambda_.naming import locate
from stoker.wire.message import Call

Members = Mapping[str, Any]


class EventInvokeConfigOperations:
    """The operations on event invoke configs."""

    def __init__(self, configs: EventInvokeConfigs, roles: RoleChecks) -> None:
        self._configs = configs
        self._roles = roles

    async def put_function_event_invoke_config(self, call: Call) -> Members:
        located = locate(call)
        settings = _settings(call)
        await self._roles.may_have_destinations(located, settings.on_success, settings.on_failure)
        config = await self._configs.put(located.function, located.qualifier, settings)
        return _members(located.function, config)

    async def update_function_event_invoke_config(self, call: Call) -> Members:
        located = locate(call)
        settings = _settings(call)
        await self._roles.may_have_destinations(located, settings.on_success, settings.on_failure)
        config = await self._configs.update(located.function, located.qualifier, settings)
        return _members(located.function, config)

    async def get_function_event_invoke_config(self, call: Call) -> Members:
        located = locate(call)
        return _members(located.function, await self._configs.get(located.function, located.qualifier))

    async def list_function_event_invoke_configs(self, call: Call) -> Members:
        function = locate(call).function
        page = await self._configs.list(
            function, call.params.get("Marker"), call.params.get("MaxItems", LIST_PAGE_ITEMS)
        )
        configs = [_members(function, config) for config in page.items]
        return {"FunctionEventInvokeConfigs": configs, "NextMarker": page.next_marker}

    async def delete_function_event_invoke_config(self, call: Call) -> Members:
        located = locate(call)
        await self._configs.delete(located.function, located.qualifier)
        return {}


class RecursionOperations:
    """PutFunctionRecursionConfig and GetFunctionRecursionConfig."""

    def __init__(self, recursion: Recursion) -> None:
        self._recursion = recursion

    async def put_function_recursion_config(self, call: Call) -> Members:
        mode: str = call.params["RecursiveLoop"]
        await self._recursion.allow(locate(call).function, mode == "Allow")
        return {"RecursiveLoop": mode}

    async def get_function_recursion_config(self, call: Call) -> Members:
        allowed = await self._recursion.allowed(locate(call).function)
        return {"RecursiveLoop": "Allow" if allowed else "Terminate"}


def _settings(call: Call) -> EventInvokeSettings:
    destinations: Mapping[str, Mapping[str, str]] = call.params.get("DestinationConfig") or {}
    return EventInvokeSettings(
        retry_attempts=call.params.get("MaximumRetryAttempts"),
        event_age_s=call.params.get("MaximumEventAgeInSeconds"),
        destinations_given=bool(destinations),
        on_success=destinations.get("OnSuccess", {}).get("Destination") or None,
        on_failure=destinations.get("OnFailure", {}).get("Destination") or None,
    )


def _members(function: FunctionId, config: EventInvokeConfig) -> Members:
    """Destinations that were not set are there as empty blocks, as AWS shows them."""
    return {
        "LastModified": datetime.fromtimestamp(config.last_modified, UTC),
        "FunctionArn": function.arn(config.qualifier),
        "MaximumRetryAttempts": config.retry_attempts,
        "MaximumEventAgeInSeconds": config.event_age_s,
        "DestinationConfig": {
            "OnSuccess": {"Destination": config.on_success} if config.on_success else {},
            "OnFailure": {"Destination": config.on_failure} if config.on_failure else {},
        },
    }
