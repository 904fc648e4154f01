"""EventBridge."""

from stoker.buses.archives import Archives
from stoker.buses.event_buses import EventBuses
from stoker.buses.replays import Replays
from stoker.buses.routing import Router
from stoker.buses.rule_schedules import RuleSchedules
from stoker.buses.rules import Rules
from stoker.serve.area import Area
from stoker.serve.platform import Platform
from stoker.services.events.service import EventsService


async def build(platform: Platform) -> Area:
    store, clock, outbox, account = platform.store, platform.clock, platform.outbox, platform.settings.account
    router = Router(store=store, outbox=outbox, clock=clock, account=account)
    schedules = RuleSchedules(store=store, clock=clock, router=router, outbox=outbox, account=account)
    replays = Replays(store=store, clock=clock, router=router, outbox=outbox, account=account)
    archives = Archives(store, clock)
    platform.targets.register("events", router.deliver)
    events = EventsService(
        buses=EventBuses(store, clock, account),
        rules=Rules(store, clock),
        schedules=schedules,
        router=router,
        archives=archives,
        replays=replays,
        takes=platform.targets.takes,
        clock=clock,
    )
    parts = (schedules, replays, archives)

    async def begin() -> None:
        for each in parts:
            await each.begin()

    async def end() -> None:
        for each in parts:
            await each.end()

    return Area(services=[events], begin=begin, end=end)
