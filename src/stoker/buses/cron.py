"""`cron(minutes hours day-of-month month day-of-week year)` as AWS reads it, and when it is next due. Pure.

Own code, since the kept libraries (croniter, cronsim) know five-field cron: no year, no `?`, Sunday as 0 and not as 1,
and only some of `L`, `W` and `#`. Times are naive: which zone they are of is the caller's business.
Source: "Cron expressions" in the EventBridge User Guide.
"""

import calendar
import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
# Sunday is 1.
WEEKDAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}
FIRST_YEAR, LAST_YEAR = 1970, 2199

DayRule = Callable[[int, int], Iterable[int]]
"""The days of a month (year, month) that are meant; some of them may not exist."""


class CronError(ValueError):
    """Not a cron expression."""


@dataclass(frozen=True, kw_only=True)
class Cron:
    """A parsed expression."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: tuple[int, ...]
    years: tuple[int, ...]
    day_rules: tuple[DayRule, ...]

    def next_after(self, moment: datetime) -> datetime | None:
        """The first time after `moment` (naive); None if there is none any more."""
        start = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
        for day in self._days_from(start.date()):
            earliest = (start.hour, start.minute) if day == start.date() else (0, 0)
            for hour in self.hours:
                for minute in self.minutes:
                    if (hour, minute) >= earliest:
                        return datetime(day.year, day.month, day.day, hour, minute)
        return None

    def _days_from(self, first: date) -> Iterable[date]:
        for year in self.years:
            if year < first.year:
                continue
            for month in self.months:
                if (year, month) < (first.year, first.month):
                    continue
                for number in self._days_of(year, month):
                    day = date(year, month, number)
                    if day >= first:
                        yield day

    def _days_of(self, year: int, month: int) -> list[int]:
        last = _last_day(year, month)
        days = {day for rule in self.day_rules for day in rule(year, month)}
        return sorted(day for day in days if 1 <= day <= last)


@functools.lru_cache(maxsize=1024)
def parse_cron(text: str) -> Cron:
    """The expression between the parentheses of `cron(…)`. Raises CronError."""
    fields = text.split()
    if len(fields) != 6:
        raise CronError(f"six fields are needed, {len(fields)} given")
    minutes, hours, days, months, weekdays, years = (field.upper() for field in fields)
    if (days == "?") == (weekdays == "?"):
        raise CronError("either the day of the month or the day of the week has to be ?")
    rules = _each(days, _month_days) if weekdays == "?" else _each(weekdays, _week_days)
    return Cron(
        minutes=_numbers(minutes, 0, 59),
        hours=_numbers(hours, 0, 23),
        months=_numbers(months, 1, 12, MONTHS),
        years=_numbers(years, FIRST_YEAR, LAST_YEAR),
        day_rules=rules,
    )


def _each(text: str, rule: Callable[[str], DayRule]) -> tuple[DayRule, ...]:
    return tuple(rule(part) for part in text.split(","))


def _numbers(text: str, low: int, high: int, names: Mapping[str, int] | None = None) -> tuple[int, ...]:
    found: set[int] = set()
    for part in text.split(","):
        found.update(_range(part, low, high, names or {}))
    return tuple(sorted(found))


def _range(part: str, low: int, high: int, names: Mapping[str, int]) -> Iterable[int]:
    """`*`, `n`, `n-m`, each with `/step` or without; `n/step` goes to the end. FRI-MON goes round."""
    span, slash, step_text = part.partition("/")
    step = _number(step_text, 1, high, {}) if slash else 1
    if span == "*":
        return range(low, high + 1, step)
    first_text, dash, last_text = span.partition("-")
    first = _number(first_text, low, high, names)
    if not dash:
        return range(first, high + 1, step) if slash else (first,)
    last = _number(last_text, low, high, names)
    if first <= last:
        return range(first, last + 1, step)
    return (low + (value - low) % (high - low + 1) for value in range(first, last + high - low + 2, step))


def _number(text: str, low: int, high: int, names: Mapping[str, int]) -> int:
    value = names.get(text)
    if value is None and text.isascii() and text.isdecimal():
        value = int(text)
    if value is None or not low <= value <= high:
        raise CronError(f"{text or 'nothing'} is not between {low} and {high}")
    return value


def _month_days(text: str) -> DayRule:
    if text in ("L", "L-0"):
        return lambda year, month: (_last_day(year, month),)
    if text.startswith("L-"):
        before = _number(text[2:], 1, 30, {})
        return lambda year, month: (_last_day(year, month) - before,)
    if text == "LW":
        return lambda year, month: (_nearest_weekday(year, month, _last_day(year, month)),)
    if text.endswith("W"):
        wanted = _number(text[:-1], 1, 31, {})
        # A month without that day has no such weekday either.
        return lambda year, month: (_nearest_weekday(year, month, wanted),) if wanted <= _last_day(year, month) else ()
    days = tuple(_range(text, 1, 31, {}))
    return lambda year, month: days


def _week_days(text: str) -> DayRule:
    if "#" in text:
        name, _, nth_text = text.partition("#")
        weekday, nth = _number(name, 1, 7, WEEKDAYS), _number(nth_text, 1, 5, {})
        return lambda year, month: (_first(year, month, weekday) + 7 * (nth - 1),)
    if text == "L":
        return lambda year, month: _all(year, month, 7)
    if text.endswith("L"):
        weekday = _number(text[:-1], 1, 7, WEEKDAYS)
        return lambda year, month: _all(year, month, weekday)[-1:]
    weekdays = tuple(_range(text, 1, 7, WEEKDAYS))
    return lambda year, month: [day for weekday in weekdays for day in _all(year, month, weekday)]


def _last_day(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]


def _first(year: int, month: int, weekday: int) -> int:
    """The first day of a month that is this weekday (Sunday is 1)."""
    return 1 + (weekday - 1 - date(year, month, 1).isoweekday()) % 7


def _all(year: int, month: int, weekday: int) -> list[int]:
    return list(range(_first(year, month, weekday), _last_day(year, month) + 1, 7))


def _nearest_weekday(year: int, month: int, day: int) -> int:
    """The day from Monday to Friday that is nearest, in the same month."""
    kind = date(year, month, day).isoweekday()
    if kind == 6:
        return day - 1 if day > 1 else day + 2
    if kind == 7:
        return day + 1 if day < _last_day(year, month) else day - 2
    return day
