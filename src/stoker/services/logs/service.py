"""CloudWatch Logs, operation by operation."""

from collections.abc import Mapping
from typing import Any

from stoker.model.access import AccessTable
from stoker.model.clock import Clock
from stoker.observability.telemetry import Telemetry
from stoker.services.logs.access import ACCESS
from stoker.services.logs.events import LogEvents
from stoker.services.logs.groups import LogGroups
from stoker.services.logs.live_tail import LiveTail
from stoker.services.logs.streams import LogStreams
from stoker.wire.message import Call

_NOTHING: Mapping[str, Any] = {}


class LogsService:
    """Which module answers which operation."""

    name = "logs"
    access: AccessTable = ACCESS

    def __init__(self, telemetry: Telemetry, clock: Clock) -> None:
        self._groups = LogGroups(telemetry, clock)
        self.resource_tags = self._groups.resource_tags
        self._streams = LogStreams(telemetry, clock)
        self._events = LogEvents(telemetry, clock)
        self._live_tail = LiveTail(telemetry, clock)

    async def create_log_group(self, call: Call) -> Mapping[str, Any]:
        await self._groups.create(call)
        return _NOTHING

    async def delete_log_group(self, call: Call) -> Mapping[str, Any]:
        await self._groups.delete(call)
        return _NOTHING

    async def describe_log_groups(self, call: Call) -> Mapping[str, Any]:
        return await self._groups.describe(call)

    async def put_retention_policy(self, call: Call) -> Mapping[str, Any]:
        await self._groups.put_retention(call)
        return _NOTHING

    async def delete_retention_policy(self, call: Call) -> Mapping[str, Any]:
        await self._groups.delete_retention(call)
        return _NOTHING

    async def tag_resource(self, call: Call) -> Mapping[str, Any]:
        await self._groups.tag(call)
        return _NOTHING

    async def untag_resource(self, call: Call) -> Mapping[str, Any]:
        await self._groups.untag(call)
        return _NOTHING

    async def list_tags_for_resource(self, call: Call) -> Mapping[str, Any]:
        return await self._groups.list_tags(call)

    async def create_log_stream(self, call: Call) -> Mapping[str, Any]:
        await self._streams.create(call)
        return _NOTHING

    async def delete_log_stream(self, call: Call) -> Mapping[str, Any]:
        await self._streams.delete(call)
        return _NOTHING

    async def describe_log_streams(self, call: Call) -> Mapping[str, Any]:
        return await self._streams.describe(call)

    async def put_log_events(self, call: Call) -> Mapping[str, Any]:
        return await self._events.put(call)

    async def get_log_events(self, call: Call) -> Mapping[str, Any]:
        return await self._events.get(call)

    async def filter_log_events(self, call: Call) -> Mapping[str, Any]:
        return await self._events.filter(call)

    async def start_live_tail(self, call: Call) -> Mapping[str, Any]:
        return await self._live_tail.start(call)
