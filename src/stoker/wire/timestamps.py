"""The three ways AWS writes a moment, read and written."""

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from stoker.wire.errors import SerializationException

Moment = datetime | float | int
"""What a service may answer: an aware datetime, or seconds since the epoch."""


def read(value: Any) -> datetime:
    """A datetime in UTC from epoch seconds (number or text), ISO 8601 or RFC 822: AWS takes each of them everywhere."""
    try:
        if isinstance(value, str):
            return _read_text(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise SerializationException(f"Invalid timestamp: {value}") from error
    raise SerializationException("Unable to parse the timestamp")


def _read_text(text: str) -> datetime:
    if text[:1].isalpha():
        moment = parsedate_to_datetime(text)
    elif text.replace(".", "", 1).lstrip("-").isdecimal() and not text.count("-") > 1:
        moment = datetime.fromtimestamp(float(text), UTC)
    else:
        moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _as_datetime(moment: Moment) -> datetime:
    return moment if isinstance(moment, datetime) else datetime.fromtimestamp(moment, UTC)


def unix(moment: Moment) -> float | int:
    """Seconds since the epoch, to the millisecond; a whole number where it is one."""
    seconds = round(moment.timestamp() if isinstance(moment, datetime) else moment, 3)
    return int(seconds) if seconds == int(seconds) else seconds


def iso8601(moment: Moment) -> str:
    """`2026-01-31T12:00:00Z`, with milliseconds where there are some."""
    utc = _as_datetime(moment).astimezone(UTC)
    text = utc.strftime("%Y-%m-%dT%H:%M:%S")
    milliseconds = utc.microsecond // 1000
    return f"{text}.{milliseconds:03d}Z" if milliseconds else f"{text}Z"


def iso8601_ms(moment: Moment) -> str:
    """`2026-01-31T12:00:00.000Z`: S3 always writes the milliseconds."""
    utc = _as_datetime(moment).astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def rfc822(moment: Moment) -> str:
    """`Sat, 31 Jan 2026 12:00:00 GMT`."""
    return format_datetime(_as_datetime(moment).astimezone(UTC).replace(microsecond=0), usegmt=True)


WRITERS: dict[str, Callable[[Moment], float | int | str]] = {
    "unixTimestamp": unix,
    "iso8601": iso8601,
    "iso8601_ms": iso8601_ms,
    "rfc822": rfc822,
}
"""By the model's `timestampFormat`, or what a protocol has as its own."""
