"""The moment of a signature, as requests write it: 20260131T120000Z."""

import re
from calendar import timegm
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from stoker.wire.errors import IncompleteSignatureException

_AMZ_DATE = re.compile(r"\d{8}T\d{6}Z", re.ASCII)


def parse(amz_date: str) -> float:
    """Seconds since the epoch of a date like 20260131T120000Z."""
    try:
        if _AMZ_DATE.fullmatch(amz_date) is None:
            raise ValueError(amz_date)
        return float(timegm(datetime.strptime(amz_date, "%Y%m%dT%H%M%SZ").timetuple()))
    except ValueError as error:
        raise IncompleteSignatureException(
            f"Date must be in ISO-8601 'basic format'. Got '{amz_date}'. See http://en.wikipedia.org/wiki/ISO_8601"
        ) from error


def of_date_header(date: str) -> str:
    """The Date header as X-Amz-Date would have it; empty where there is none."""
    if not date or _AMZ_DATE.fullmatch(date) is not None:
        return date
    try:
        return parsedate_to_datetime(date).astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    except (ValueError, OverflowError) as error:
        raise IncompleteSignatureException(
            f"Date must be in RFC 822 or ISO-8601 'basic format'. Got '{date}'."
        ) from error


def written(moment: float) -> str:
    """Seconds since the epoch in that form."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y%m%dT%H%M%SZ")
