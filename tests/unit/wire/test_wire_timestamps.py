"""Moments in every form that AWS's protocols write them."""

from datetime import UTC, datetime

import pytest

from stoker.wire import timestamps
from stoker.wire.errors import SerializationException

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "sent",
    [
        1769860800,
        1769860800.0,
        "1769860800",
        "2026-01-31T12:00:00Z",
        "2026-01-31T13:00:00+01:00",
        "2026-01-31T12:00:00",
        "Sat, 31 Jan 2026 12:00:00 GMT",
    ],
)
def test_every_form_is_read(sent: object) -> None:
    assert timestamps.read(sent) == NOON


@pytest.mark.parametrize("sent", [True, None, "noon", "", "2026-13-01", 1e20, float("nan"), [], "Xyz"])
def test_what_is_no_moment_is_refused(sent: object) -> None:
    with pytest.raises(SerializationException):
        timestamps.read(sent)


def test_every_form_is_written() -> None:
    assert timestamps.unix(NOON) == 1769860800
    assert timestamps.unix(1769860800.12345) == 1769860800.123
    assert timestamps.iso8601(NOON) == "2026-01-31T12:00:00Z"
    assert timestamps.iso8601(1769860800.25) == "2026-01-31T12:00:00.250Z"
    assert timestamps.rfc822(NOON) == "Sat, 31 Jan 2026 12:00:00 GMT"
