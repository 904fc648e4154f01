"""What an invocation is billed for. Pure."""

import math


def billed_ms(duration_ms: float, init_ms: float | None = None) -> int:
    """Whole milliseconds, rounded up; since August 2025 AWS bills the init phase of every cold start with it.

    Rounded to a microsecond first: the sum of two measured floats may be a hair above a whole number.
    """
    return math.ceil(round(duration_ms + (init_ms or 0.0), 3))
