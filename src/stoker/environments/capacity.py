"""What memory environments may still take."""

from collections.abc import Callable

_MB = 1 << 20
# Left to Stoker itself, to the page cache of its databases and to the operator's shell; on a small machine less.
RESERVE_MB = 512
RESERVE_PART = 0.1
TEMPLATE_PART = 0.1


def spare_memory_mb(available_bytes: Callable[[], int]) -> Callable[[], float]:
    """Gives a function that measures how many MB may be taken now.

    What is kept back is measured against what was available at the start.
    """
    reserve_mb = min(RESERVE_MB, available_bytes() / _MB * RESERVE_PART)
    return lambda: available_bytes() / _MB - reserve_mb


def template_budget_mb(available_bytes: Callable[[], int]) -> float:
    """What all templates together may have: a part of what was available at the start."""
    return available_bytes() / _MB * TEMPLATE_PART
