"""`rate(…)`, `cron(…)` and `at(…)`: when something is next due. Pure; moments are seconds since the epoch.

In a zone with daylight saving, a local time that is skipped in spring is not made up for, and one that comes twice in
autumn counts once. Source: "Schedule types" in the EventBridge Scheduler User Guide.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from stoker.buses.cron import Cron, CronError, parse_cron

_SHAPE = re.compile(r"(rate|cron|at)\((.*)\)", re.ASCII)
_RATE = re.compile(r"\s*(\d{1,9})\s+(minute|hour|day)(s?)\s*", re.ASCII)
_AT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}", re.ASCII)
UNIT_S = {"minute": 60, "hour": 3600, "day": 86_400}


class ScheduleExpressionError(ValueError):
    """Not a schedule expression."""


@dataclass(frozen=True, kw_only=True)
class Rate:
    """Every so many seconds, counted from `origin`."""

    every_s: int

    def next_after(self, moment: float, origin: float) -> float:
        """The first multiple after `moment`; `origin` itself, if that is still to come."""
        if moment < origin:
            return origin
        return origin + self.every_s * ((moment - origin) // self.every_s + 1)


@dataclass(frozen=True, kw_only=True)
class CronIn:
    """A cron expression in a zone."""

    cron: Cron
    zone: ZoneInfo

    def next_after(self, moment: float, origin: float) -> float | None:
        """The first time after `moment`; None if there is none any more."""
        local: datetime | None = datetime.fromtimestamp(moment, self.zone).replace(tzinfo=None)
        while local is not None:
            local = self.cron.next_after(local)
            if local is not None and (due := _instant(local, self.zone)) is not None and due > moment:
                return due
        return None


@dataclass(frozen=True, kw_only=True)
class At:
    """Once."""

    at: float

    def next_after(self, moment: float, origin: float) -> float | None:
        return self.at if self.at > moment else None


Expression = Rate | CronIn | At


def parse_expression(text: str, zone: ZoneInfo | None = None, *, strict_units: bool = False) -> Expression:
    """Parse an expression; a zone is UTC if not given. Raises ScheduleExpressionError.

    `strict_units` is how rules want it: `1 minute` and `2 minutes`, and no `at`.
    """
    zone = zone or ZoneInfo("UTC")
    match = _SHAPE.fullmatch(text)
    if match is None:
        raise ScheduleExpressionError(text)
    kind, inner = match.groups()
    if kind == "rate":
        return _rate(inner, strict_units)
    if kind == "cron":
        try:
            return CronIn(cron=parse_cron(inner), zone=zone)
        except CronError as error:
            raise ScheduleExpressionError(str(error)) from error
    if strict_units:
        raise ScheduleExpressionError(text)
    return _at(inner, zone)


def _rate(text: str, strict: bool) -> Rate:
    match = _RATE.fullmatch(text)
    if match is None or int(match[1]) == 0:
        raise ScheduleExpressionError(text)
    if strict and (int(match[1]) == 1) == bool(match[3]):
        raise ScheduleExpressionError(text)
    return Rate(every_s=int(match[1]) * UNIT_S[match[2]])


def _at(text: str, zone: ZoneInfo) -> At:
    if _AT.fullmatch(text) is None:
        raise ScheduleExpressionError(text)
    try:
        local = datetime.fromisoformat(text)
        # One that is skipped in spring is meant as the clock went on: Python's own reading.
        return At(at=local.replace(tzinfo=zone).timestamp())
    except (ValueError, OverflowError) as error:
        raise ScheduleExpressionError(text) from error


def _instant(local: datetime, zone: ZoneInfo) -> float | None:
    """When a local time is, the first time if it comes twice; None if it is skipped."""
    aware = local.replace(tzinfo=zone, fold=0)
    back = aware.astimezone(UTC).astimezone(zone).replace(tzinfo=None)
    return aware.timestamp() if back == local else None
