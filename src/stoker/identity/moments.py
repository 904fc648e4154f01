"""Dates in policies and requests: ISO 8601 as loosely as IAM takes it, or seconds since the epoch."""

import math
import re
from datetime import UTC, datetime, timedelta, timezone

_ISO = re.compile(
    r"(?P<year>-?\d{1,9})(?:-(?P<month>\d{1,2})(?:-(?P<day>\d{1,2}))?)?"
    r"(?:t(?P<hour>\d{1,2})?(?::(?P<minute>\d{1,2})"
    r"(?::(?P<second>\d{1,2})(?:\.(?P<fraction>\d{1,9}))?)?)?"
    r"(?:z|(?P<sign>[+-])(?P<ahead>\d\d)(?::?(?P<ahead_minutes>\d\d))?)?)?",
    re.ASCII,
)
_EPOCH = re.compile(r"\d{1,19}", re.ASCII)
_LAST_SECOND = 2**63 - 1
_YEARS = (-292_275_054, 292_278_993)


def parse_moment(text: str) -> float | None:
    """Seconds since the epoch; None for what is no date. Years that no calendar here has are before or after all."""
    if _EPOCH.fullmatch(text):
        return float(text) if int(text) <= _LAST_SECOND else None
    found = _ISO.fullmatch(text.lower())
    if found is None:
        return None
    year = int(found["year"])
    if not _YEARS[0] <= year <= _YEARS[1]:
        return None
    # A leap year takes the place of those that datetime does not have, so that the rest is checked all the same.
    known = 1 <= year <= 9999
    try:
        moment = datetime(
            year if known else 2000,
            int(found["month"] or 1),
            int(found["day"] or 1),
            int(found["hour"] or 0),
            int(found["minute"] or 0),
            int(found["second"] or 0),
            int((found["fraction"] or "0").ljust(6, "0")[:6]),
            tzinfo=_zone(found),
        )
    except ValueError:
        return None
    if not known:
        return math.copysign(math.inf, year)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()


def _zone(found: re.Match[str]) -> timezone:
    if not found["sign"]:
        return UTC
    ahead = timedelta(hours=int(found["ahead"]), minutes=int(found["ahead_minutes"] or 0))
    return timezone(ahead if found["sign"] == "+" else -ahead)
