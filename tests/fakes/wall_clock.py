"""The machine's own time, for what a live server counts by the minute or by the day."""

import time

MINUTE_S, DAY_S = 60.0, 86_400.0


def with_room_in(period_s: float, room_s: float) -> None:
    """Wait, should it be needed, until what comes now is over before another minute, or another day of UTC, begins."""
    left = period_s - time.time() % period_s
    if left < room_s:
        time.sleep(left + 0.01)
