"""The EventBridge API: which operation is served by what."""

from collections.abc import Callable, Mapping

from stoker.buses.archives import Archives
from stoker.buses.event_buses import EventBuses
from stoker.buses.replays import Replays
from stoker.buses.routing import Router
from stoker.buses.rule_schedules import RuleSchedules
from stoker.buses.rules import Rules
from stoker.model.access import AccessTable
from stoker.model.clock import Clock
from stoker.services.events.access import ACCESS
from stoker.services.events.archives import ArchiveOperations, ReplayOperations
from stoker.services.events.buses import BusOperations
from stoker.services.events.put_events import PutEvents
from stoker.services.events.rules import RuleOperations
from stoker.services.events.targets import TargetOperations
from stoker.wire.operations import Method, operations_of


class EventsService:
    """`takes` says which services can be targets."""

    name = "events"
    access: AccessTable = ACCESS

    def __init__(
        self,
        *,
        buses: EventBuses,
        rules: Rules,
        schedules: RuleSchedules,
        router: Router,
        archives: Archives,
        replays: Replays,
        takes: Callable[[str], bool],
        clock: Clock,
    ) -> None:
        self.resource_policy = buses.resource_policy
        of_rules = RuleOperations(rules, buses, schedules)
        self.resource_tags = of_rules.resource_tags
        self.operations: Mapping[str, Method] = operations_of(
            PutEvents(router, clock),
            BusOperations(buses),
            of_rules,
            TargetOperations(rules, takes),
            ArchiveOperations(archives),
            ReplayOperations(replays),
        )

    def __repr__(self) -> str:
        return f"<EventsService of {self.name}>"
