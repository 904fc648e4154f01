"""API keys at work: whether a key opens a stage, and what its plan still lets it do.

How often a key was used is counted in memory and written down every second, so that no request waits for it: a crash
forgets at most the last second.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.apis.rest.blueprint import Limit
from stoker.apis.rest.documents import Document
from stoker.apis.rest.exchange import Exchange
from stoker.apis.rest.gateway_responses import GatewayFault
from stoker.apis.rest.limits import Buckets
from stoker.apis.rest.usage_plans import UsagePlans
from stoker.model.clock import Clock, Timer
from stoker.store.store import Store
from stoker.store.tables_rest_apis import rest_usage

log = logging.getLogger(__name__)

REMEMBERED = 10_000
WRITE_S = 1.0
# How long another Stoker on the same database may go on with what was true before a change.
FOLLOW_S = 2.0
_usage = rest_usage.c
_Place = tuple[str, str, str]
"""Region, plan, key."""


@dataclass(frozen=True, kw_only=True)
class _Holder:
    key: Document
    plans: Sequence[Document]
    changes: int
    at: float


class Usage:
    """Asked for every request whose method needs a key."""

    def __init__(self, *, plans: UsagePlans, store: Store, clock: Clock) -> None:
        self._plans = plans
        self._store = store
        self._clock = clock
        self._buckets = Buckets()
        self._holders: OrderedDict[tuple[str, str], _Holder] = OrderedDict()
        self._written: dict[_Place, dict[str, int]] = {}
        self._unwritten: dict[tuple[str, str, str, str], int] = {}
        self._alarm: Timer | None = None
        self._writing: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<Usage {len(self._holders)} keys, {len(self._unwritten)} counts to write>"

    async def close(self) -> None:
        """Write down what was counted."""
        if self._alarm is not None:
            self._alarm.cancel()
        if self._writing is not None:
            await self._writing
        await self._write()

    async def admit(self, exchange: Exchange, value: str | None) -> str:
        """The id of the key that opens a request's stage, once the request is counted. Raises GatewayFault."""
        region, stage = exchange.blueprint.region, (exchange.blueprint.api_id, exchange.blueprint.stage)
        holder = None if not value else await self._holder(region, value)
        if holder is None or not holder.key["enabled"]:
            raise _forbidden()
        key_id: str = holder.key["id"]
        found = [(plan, each) for plan in holder.plans for each in plan["apiStages"] if _is(each, stage)]
        if not found:
            if "/".join(stage) in holder.key.get("stageKeys", ()):
                return key_id
            raise _forbidden()
        plan, opened = found[0]
        self._throttle(exchange, key_id, plan, opened)
        await self._count(region, plan, key_id)
        return key_id

    def _throttle(self, exchange: Exchange, key_id: str, plan: Mapping[str, Any], stage: Mapping[str, Any]) -> None:
        now, method = self._clock.time(), exchange.method
        name = f"{method.resource_path}/{method.http_method}"
        own = (stage.get("throttle") or {}).get(name)
        limits = [(plan["id"], key_id, name, own), (plan["id"], key_id, None, plan.get("throttle"))]
        for *key, given in limits:
            if given and not self._buckets.take(tuple(key), _limit(given), now):
                raise throttled()

    async def _count(self, region: str, plan: Mapping[str, Any], key_id: str) -> None:
        place, today = (region, plan["id"], key_id), self._today()
        days = self._written.get(place)
        if days is None:
            days = await self._store.read(lambda conn: days_of(conn, place))
            days = self._written.setdefault(place, days)
        if plan.get("quota") and not left_of(plan["quota"], days, today):
            raise GatewayFault("QUOTA_EXCEEDED", "Limit Exceeded", "LimitExceededException")
        day = today.isoformat()
        days[day] = days.get(day, 0) + 1
        self._unwritten[(*place, day)] = self._unwritten.get((*place, day), 0) + 1
        self._alarm = self._alarm or self._clock.call_later(WRITE_S, self._begin_writing)

    async def _holder(self, region: str, value: str) -> _Holder | None:
        now, key = self._clock.time(), (region, value)
        known = self._holders.get(key)
        is_young = known is not None and (not self._store.is_shared or now - known.at < FOLLOW_S)
        if known is not None and is_young and known.changes == self._plans.changes:
            return known
        changes = self._plans.changes
        found = await self._plans.holder(region, value)
        if found is None:
            return None
        holder = _Holder(key=found[0], plans=found[1], changes=changes, at=now)
        self._holders[key] = holder
        if len(self._holders) > REMEMBERED:
            self._holders.popitem(last=False)
        return holder

    async def used(self, region: str, plan_id: str, key_ids: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        """How often each key was used, by the day."""
        await self._write()

        def read(conn: Connection) -> Mapping[str, Mapping[str, int]]:
            return {key_id: days_of(conn, (region, plan_id, key_id)) for key_id in key_ids}

        return await self._store.read(read)

    def _begin_writing(self) -> None:
        self._alarm = None
        self._writing = asyncio.create_task(self._write(), name="usage of API keys")

    async def _write(self) -> None:
        if not self._unwritten:
            return
        counted, self._unwritten = self._unwritten, {}
        try:
            await self._store.write(lambda conn: _add(conn, counted))
        except Exception:
            # They are written with the next ones.
            log.exception("the usage of API keys could not be written")
            for place, count in counted.items():
                self._unwritten[place] = self._unwritten.get(place, 0) + count

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock.time(), UTC).date()


def period_begin(period: str, today: date, offset: int) -> date:
    """The day on which a quota's period began; `offset` counts from the week's Sunday or the month's first."""
    if period == "DAY":
        return today
    if period == "WEEK":
        return today - timedelta(days=((today.weekday() + 1) % 7 - offset) % 7)
    begin = today.replace(day=1 + offset)
    if begin > today:
        begin = (today.replace(day=1) - timedelta(days=1)).replace(day=1 + offset)
    return begin


def left_of(quota: Mapping[str, Any] | None, used: Mapping[str, int], day: date) -> int:
    """What was left of a quota at a day's end."""
    if not quota:
        return 0
    begin = period_begin(quota["period"], day, quota.get("offset", 0)).isoformat()
    return max(0, int(quota["limit"]) - sum(count for at, count in used.items() if begin <= at <= day.isoformat()))


def days_of(conn: Connection, place: _Place) -> dict[str, int]:
    """How often a key of a plan was used, by the day."""
    where = (_usage.region == place[0]) & (_usage.plan == place[1]) & (_usage.key == place[2])
    return {row.day: row.used for row in conn.execute(sa.select(_usage.day, _usage.used).where(where))}


def _add(conn: Connection, counted: Mapping[tuple[str, str, str, str], int]) -> None:
    for (region, plan, key, day), count in counted.items():
        where = (_usage.region == region) & (_usage.plan == plan) & (_usage.key == key) & (_usage.day == day)
        updated = conn.execute(sa.update(rest_usage).where(where).values(used=_usage.used + count))
        if not updated.rowcount:
            conn.execute(sa.insert(rest_usage).values(region=region, plan=plan, key=key, day=day, used=count))


def throttled() -> GatewayFault:
    return GatewayFault("THROTTLED", "Too Many Requests", "TooManyRequestsException")


def _forbidden() -> GatewayFault:
    return GatewayFault("INVALID_API_KEY", "Forbidden", "ForbiddenException")


def _is(opened: Mapping[str, Any], stage: tuple[str, str]) -> bool:
    return (opened["apiId"], opened["stage"]) == stage


def _limit(given: Mapping[str, Any]) -> Limit:
    rate = float(given.get("rateLimit", 0))
    return Limit(rate=rate, burst=int(given.get("burstLimit", 0)) or max(1, int(rate)))
