"""Values of fields: how they compare, sort, and are written in results. Pure.

A value is None (there is none), a bool, a number or a text; JSON's objects and arrays are their text. Moments are
milliseconds since the epoch.
"""

import json
import math
import re
from datetime import UTC, datetime, timedelta

import msgspec

Value = bool | int | float | str | None

_CHUNKS = re.compile(r"[0-9]+|[^0-9]+")
_NUMBER = re.compile(r"\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?\s*", re.ASCII)
# What Java, and so CloudWatch, writes with an exponent.
_LARGE, _SMALL = 1e7, 1e-3
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_NUMBER = 40


class Moment(int):
    """A time in ms since the epoch, which is shown as one and counts as a number."""


def plain(value: object) -> Value:
    """What JSON holds, as a value: numbers within bounds, texts that can be written."""
    if isinstance(value, str):
        # A lone surrogate is good JSON, and no UTF-8.
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, int) and not isinstance(value, bool):
        return bounded(value)
    if value is None or isinstance(value, bool | float):
        return value
    try:
        return msgspec.json.encode(value).decode()
    except (UnicodeEncodeError, OverflowError):
        return json.dumps(value)


def bounded(value: int | float) -> int | float | None:
    """Whole numbers of more than 64 bits are fractions, as they are in Java; None where they are not even that."""
    if isinstance(value, float) or -(1 << 63) <= value < 1 << 63:
        return value
    try:
        return float(value)
    except OverflowError:
        return None


def number(value: Value) -> float | int | None:
    """A value as a number; None for what is none."""
    kind = type(value)
    if kind is int or kind is float or kind is Moment:
        return value  # type: ignore[return-value]
    if kind is not str or len(value) > LONGEST_NUMBER or _NUMBER.fullmatch(value) is None:  # type: ignore[arg-type]
        return None
    text = value.strip()  # type: ignore[union-attr]
    return bounded(int(text)) if text.lstrip("+-").isdecimal() else float(text)


def text(value: Value) -> str | None:
    """A value as it is shown; None for none."""
    kind = type(value)
    if kind is str or value is None:
        return value  # type: ignore[return-value]
    if kind is Moment:
        return shown_moment(value)  # type: ignore[arg-type]
    if kind is bool:
        return "1" if value else "0"
    if kind is float:
        return _shown_float(value)  # type: ignore[arg-type]
    return str(value)


def equal(left: Value, right: Value) -> bool | None:
    """None where one of them is: nothing is known then. Numbers are equal however they are written."""
    if left is None or right is None:
        return None
    if type(left) is str and type(right) is str:
        return left == right
    one, other = number(left), number(right)
    if one is not None and other is not None:
        return one == other
    return text(left) == text(right)


def less(left: Value, right: Value) -> bool | None:
    """Numbers by their size, anything else as texts; None where one of them is."""
    if left is None or right is None:
        return None
    one, other = number(left), number(right)
    if one is not None and other is not None:
        return one < other
    if type(left) is str and type(right) is str:
        return left < right
    return None


def sort_key(value: Value) -> tuple[object, ...]:
    """Nothing first, then texts, then numbers. Digits within texts go by their length and then their value.

    Source: "sort" in the Amazon CloudWatch Logs User Guide, "Sorting algorithm".
    """
    if value is None:
        return (0,)
    found = number(value)
    if found is not None and not (isinstance(found, float) and math.isnan(found)):
        return (2, found)
    chunks = [
        (0, len(chunk), chunk) if chunk[0].isdecimal() else (1, 0, chunk)
        for chunk in _CHUNKS.findall(text(value) or "")
    ]
    return (1, chunks)


def shown_moment(ms: int) -> str:
    """`2026-11-23 17:25:00.000`, in UTC."""
    try:
        moment = _EPOCH + timedelta(milliseconds=int(ms))
    except OverflowError:
        return str(int(ms))
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03}"


def _shown_float(value: float) -> str:
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value == 0 or _SMALL <= abs(value) < _LARGE:
        return str(int(value)) if value == int(value) else repr(value)
    shortest = next(found for digits in range(1, 18) if float(found := f"{value:.{digits}e}") == value)
    mantissa, _, exponent = shortest.partition("e")
    return f"{mantissa}E{int(exponent)}"
