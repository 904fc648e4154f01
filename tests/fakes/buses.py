"""EventBridge's engine on a real store, with targets that a test writes and a clock that it moves."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fakes.loop import until
from fakes.outbox import QUEUE, OutboxBench
from stoker.buses.event_buses import EventBuses
from stoker.buses.routing import Router
from stoker.buses.rule_schedules import RuleSchedules
from stoker.buses.rules import Rule, Rules
from stoker.buses.schedule_groups import ScheduleGroups
from stoker.buses.schedules import Schedules
from stoker.store.store import Store, open_store

ACCOUNT = "000000000000"
REGION = "us-east-1"
EVERY_MINUTE = "rate(1 minute)"


class BusBench(OutboxBench):
    """Rules, schedules and an outbox; `restart` is what a stop and a start do, after `crash` too."""

    def new(self, owner: str = "here") -> None:
        super().new(owner)
        shared = {"store": self.store, "outbox": self.outbox, "clock": self.clock, "account": ACCOUNT}
        self.buses = EventBuses(self.store, self.clock, ACCOUNT)
        self.rules = Rules(self.store, self.clock)
        self.router = Router(**shared)
        self.rule_schedules = RuleSchedules(**shared, router=self.router)
        self.groups = ScheduleGroups(self.store, self.clock)
        self.schedules = Schedules(**shared, random=lambda: 0.5)

    async def start(self) -> None:
        await self.outbox.start()
        await self.rule_schedules.begin()
        await self.schedules.begin()

    async def stop(self) -> None:
        await self.rule_schedules.end()
        await self.schedules.end()
        await self.outbox.close(limit_s=1.0)

    async def rule(self, name: str = "r", **members: Any) -> Rule:
        """A rule whose target is the queue."""
        rule = await self.rules.put(Rule(region=REGION, bus="default", name=name, **members))
        await self.rules.put_targets(REGION, "default", name, [{"Id": "q", "Arn": QUEUE}])
        self.rule_schedules.note(rule.due_at)
        return rule

    async def arrived(self, count: int) -> list[Any]:
        """The bodies of so many deliveries, and of no more."""
        await until(lambda: len(self.inbox.taken) >= count)
        await self.emptied()
        assert len(self.inbox.taken) == count
        return [json.loads(body) for body in self.inbox.bodies]


@asynccontextmanager
async def bus_bench(url: str) -> AsyncIterator[BusBench]:
    """A bench that has started."""
    store: Store = open_store(url)
    bench = BusBench(store)
    try:
        await bench.start()
        yield bench
        await bench.stop()
    finally:
        await store.close()
