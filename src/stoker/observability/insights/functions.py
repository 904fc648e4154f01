"""The language's functions: of values to a value. Pure.

Source: "Supported operations and functions" in the Amazon CloudWatch Logs User Guide. What is no number where one is
needed, or no text, gives nothing.
"""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from stoker.observability.insights.query import MalformedQueryError, Period
from stoker.observability.insights.values import Moment, Value, bounded, number, sort_key, text

_UNIT_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_MONTHS = {"mo": 1, "q": 3, "y": 12}
# Weeks begin on Mondays; the epoch was a Thursday.
_FIRST_MONDAY_MS = 4 * 86_400_000
_MOST_MS = 253_402_300_799_999


def floor_to(period: Period) -> Callable[[Value], Value]:
    """What puts a moment at the beginning of its period. Raises MalformedQueryError for an empty one."""
    if period.count < 1:
        raise MalformedQueryError("A period cannot be empty.")
    if period.unit in _MONTHS:
        months = period.count * _MONTHS[period.unit]
        return lambda value: _floor_to_months(value, months)
    size = period.count * _UNIT_MS[period.unit]
    offset = _FIRST_MONDAY_MS if period.unit == "w" else 0

    def floor(value: Value) -> Value:
        ms = number(value)
        return None if ms is None else Moment((int(ms) - offset) // size * size + offset)

    return floor


def ceil_to(period: Period) -> Callable[[Value], Value]:
    """What puts a moment at the end of its period, unless it is at its beginning."""
    floor = floor_to(period)

    def ceil(value: Value) -> Value:
        begins, ms = floor(value), number(value)
        if begins is None or ms is None or begins == int(ms):
            return begins
        ends = int(begins) + (period.count * _UNIT_MS.get(period.unit, 0))
        if period.unit in _MONTHS:
            moment = datetime.fromtimestamp(int(begins) / 1000, UTC)
            ends = _month_ms(moment.year * 12 + moment.month - 1 + period.count * _MONTHS[period.unit])
        return Moment(ends)

    return ceil


def _floor_to_months(value: Value, months: int) -> Value:
    ms = number(value)
    if ms is None or not 0 <= ms <= _MOST_MS:
        return None
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return Moment(_month_ms((moment.year * 12 + moment.month - 1) // months * months))


def _month_ms(month: int) -> int:
    """When a month, counted from the year 0, begins."""
    year = min(max(month // 12, 1), 9999)
    return int(datetime(year, month % 12 + 1, 1, tzinfo=UTC).timestamp()) * 1000


def guarded(function: Callable[..., Value]) -> Callable[..., Value]:
    """One that gives nothing for what is beyond it: the logarithm of 0, the day of an infinite moment."""

    def apply(*given: Value) -> Value:
        try:
            return function(*given)
        except (ValueError, OverflowError):
            return None

    return apply


def arithmetic(operator: str, left: Value, right: Value) -> Value:
    """What an operator makes of two numbers; nothing where it makes none."""
    one, other = number(left), number(right)
    if one is None or other is None:
        return None
    try:
        if operator == "+":
            return bounded(one + other)
        if operator == "-":
            return bounded(one - other)
        if operator == "*":
            return bounded(one * other)
        if operator == "/":
            return one / other
        if operator == "%":
            return math.fmod(one, other) if isinstance(one + other, float) else int(math.fmod(one, other))
        return math.pow(one, other)
    except (ZeroDivisionError, OverflowError, ValueError):
        return None


def _of_number(function: Callable[[float], Value]) -> Callable[..., Value]:
    def apply(value: Value) -> Value:
        found = number(value)
        return None if found is None else function(found)

    return apply


def _of_text(function: Callable[[str], Value]) -> Callable[..., Value]:
    def apply(value: Value) -> Value:
        found = text(value)
        return None if found is None else function(found)

    return apply


def _trimmed(side: str) -> Callable[..., Value]:
    def trim(value: Value, of: Value = None) -> Value:
        found = text(value)
        return None if found is None else str(getattr(found, side)(text(of)))

    return trim


def _substr(value: Value, start: Value, length: Value = None) -> Value:
    found, begin = text(value), number(start)
    if found is None or begin is None:
        return None
    begins = max(int(begin), 0)
    count = number(length)
    return found[begins:] if count is None else found[begins : begins + max(int(count), 0)]


def _replace(value: Value, old: Value, new: Value) -> Value:
    found, searched, put = text(value), text(old), text(new)
    return found if found is None or not searched or put is None else found.replace(searched, put)


def _contains(value: Value, part: Value) -> Value:
    found, searched = text(value), text(part)
    return None if found is None or searched is None else int(searched in found)


def _concat(*values: Value) -> Value:
    return "".join(text(value) or "" for value in values)


def _coalesce(*values: Value) -> Value:
    return next((value for value in values if value is not None), None)


def _choose(condition: Value, then: Value, otherwise: Value = None) -> Value:
    return then if condition else otherwise


def _greatest(*values: Value) -> Value:
    return max((value for value in values if value is not None), key=sort_key, default=None)


def _least(*values: Value) -> Value:
    return min((value for value in values if value is not None), key=sort_key, default=None)


def _from_millis(value: Value) -> Value:
    found = number(value)
    return None if found is None else Moment(found)


_MANY = 50
# By their names in lower case: how many values they take, and what they make of them.
FUNCTIONS: Mapping[str, tuple[int, int, Callable[..., Value]]] = {
    "abs": (1, 1, _of_number(abs)),
    "ceil": (1, 1, _of_number(math.ceil)),
    "floor": (1, 1, _of_number(math.floor)),
    "log": (1, 1, _of_number(math.log)),
    "sqrt": (1, 1, _of_number(math.sqrt)),
    "greatest": (1, _MANY, _greatest),
    "least": (1, _MANY, _least),
    "coalesce": (1, _MANY, _coalesce),
    "if": (2, 3, _choose),
    "ispresent": (1, 1, lambda value: value is not None),
    "isempty": (1, 1, lambda value: value is None or value == ""),
    "isblank": (1, 1, lambda value: value is None or not (text(value) or "").strip()),
    "concat": (1, _MANY, _concat),
    "strlen": (1, 1, _of_text(len)),
    "toupper": (1, 1, _of_text(str.upper)),
    "tolower": (1, 1, _of_text(str.lower)),
    "trim": (1, 2, _trimmed("strip")),
    "ltrim": (1, 2, _trimmed("lstrip")),
    "rtrim": (1, 2, _trimmed("rstrip")),
    "substr": (2, 3, _substr),
    "replace": (3, 3, _replace),
    "strcontains": (2, 2, _contains),
    "frommillis": (1, 1, _from_millis),
    "tomillis": (1, 1, _of_number(int)),
}
