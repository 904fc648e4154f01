"""CloudWatch Logs, operation by operation."""

from collections.abc import Mapping

from stoker.model.access import AccessTable
from stoker.model.clock import Clock
from stoker.observability.telemetry import Telemetry
from stoker.services.logs.access import ACCESS
from stoker.services.logs.events import LogEvents
from stoker.services.logs.groups import LogGroups
from stoker.services.logs.insights import Insights
from stoker.services.logs.live_tail import LiveTail
from stoker.services.logs.streams import LogStreams
from stoker.wire.operations import Method, operations_of


class LogsService:
    """Which module answers which operation."""

    name = "logs"
    access: AccessTable = ACCESS

    def __init__(self, telemetry: Telemetry, clock: Clock) -> None:
        groups = LogGroups(telemetry, clock)
        self.resource_tags = groups.resource_tags
        self.insights = Insights(telemetry, clock)
        self.live_tail = LiveTail(telemetry, clock)
        self.operations: Mapping[str, Method] = operations_of(
            groups, LogStreams(telemetry, clock), LogEvents(telemetry, clock), self.live_tail, self.insights
        )
