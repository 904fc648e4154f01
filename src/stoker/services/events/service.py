"""The EventBridge API: which operation is served by what."""

from collections.abc import Callable

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


class EventsService:
    """Every attribute with an operation's name serves that operation. `takes` says which services can be targets."""

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
        self.put_events = PutEvents(router, clock).put_events

        of_buses = BusOperations(buses)
        self.create_event_bus = of_buses.create_event_bus
        self.describe_event_bus = of_buses.describe_event_bus
        self.list_event_buses = of_buses.list_event_buses
        self.update_event_bus = of_buses.update_event_bus
        self.delete_event_bus = of_buses.delete_event_bus
        self.put_permission = of_buses.put_permission
        self.remove_permission = of_buses.remove_permission

        of_rules = RuleOperations(rules, buses, schedules)
        self.resource_tags = of_rules.resource_tags
        self.put_rule = of_rules.put_rule
        self.describe_rule = of_rules.describe_rule
        self.list_rules = of_rules.list_rules
        self.list_rule_names_by_target = of_rules.list_rule_names_by_target
        self.enable_rule = of_rules.enable_rule
        self.disable_rule = of_rules.disable_rule
        self.delete_rule = of_rules.delete_rule
        self.test_event_pattern = of_rules.test_event_pattern
        self.tag_resource = of_rules.tag_resource
        self.untag_resource = of_rules.untag_resource
        self.list_tags_for_resource = of_rules.list_tags_for_resource

        of_targets = TargetOperations(rules, takes)
        self.put_targets = of_targets.put_targets
        self.list_targets_by_rule = of_targets.list_targets_by_rule
        self.remove_targets = of_targets.remove_targets

        of_archives = ArchiveOperations(archives)
        self.create_archive = of_archives.create_archive
        self.describe_archive = of_archives.describe_archive
        self.list_archives = of_archives.list_archives
        self.update_archive = of_archives.update_archive
        self.delete_archive = of_archives.delete_archive

        of_replays = ReplayOperations(replays)
        self.start_replay = of_replays.start_replay
        self.describe_replay = of_replays.describe_replay
        self.list_replays = of_replays.list_replays
        self.cancel_replay = of_replays.cancel_replay

    def __repr__(self) -> str:
        return f"<EventsService of {self.name}>"
