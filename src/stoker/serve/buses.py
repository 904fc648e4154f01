"""EventBridge and EventBridge Scheduler."""

from stoker.buses.archives import Archives
from stoker.buses.event_buses import EventBuses
from stoker.buses.replays import Replays
from stoker.buses.routing import Router
from stoker.buses.rule_schedules import RuleSchedules
from stoker.buses.rules import Rules
from stoker.buses.schedule_groups import ScheduleGroups
from stoker.buses.schedules import Schedules
from stoker.serve.area import Area
from stoker.serve.platform import Platform
from stoker.services.events.service import EventsService
from stoker.services.scheduler.service import SchedulerService


async def build(platform: Platform) -> Area:
    store, clock, outbox, account = platform.store, platform.clock, platform.outbox, platform.settings.account
    router = Router(store=store, outbox=outbox, clock=clock, account=account)
    rule_schedules = RuleSchedules(store=store, clock=clock, router=router, outbox=outbox, account=account)
    replays = Replays(store=store, clock=clock, router=router, outbox=outbox, account=account)
    archives = Archives(store, clock)
    platform.targets.register("events", router.deliver)
    events = EventsService(
        buses=EventBuses(store, clock, account),
        rules=Rules(store, clock),
        schedules=rule_schedules,
        router=router,
        archives=archives,
        replays=replays,
        takes=platform.targets.takes,
        clock=clock,
    )
    schedules = Schedules(store=store, outbox=outbox, clock=clock, account=account)
    scheduler = SchedulerService(
        schedules=schedules,
        groups=ScheduleGroups(store, clock),
        takes=platform.targets.takes,
        may_assume=platform.delivery_access.may_assume,
    )
    parts = (rule_schedules, replays, archives, schedules)

    async def begin() -> None:
        for each in parts:
            await each.begin()

    async def end() -> None:
        for each in parts:
            await each.end()

    return Area(services=[events, scheduler], begin=begin, end=end)
