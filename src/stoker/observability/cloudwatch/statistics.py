"""Statistics by their names: `Sum`, `Average`, `p99.9`, … Pure. Source: "CloudWatch statistics definitions"."""

import re
from collections.abc import Callable

from stoker.observability.cloudwatch.statistic import Statistic

# The value of a period; None where it has none.
Measure = Callable[[Statistic], float | None]

SIMPLE: dict[str, Measure] = {
    "SampleCount": lambda statistic: statistic.samples,
    "Sum": lambda statistic: statistic.total,
    "Average": lambda statistic: statistic.average,
    "Minimum": lambda statistic: statistic.least,
    "Maximum": lambda statistic: statistic.most,
}
_PERCENTILE = re.compile(r"p(\d{1,3}(?:\.\d{1,10})?)")
_TRIMMED = re.compile(r"(?:tm|wm|tc|ts|pr|TM|WM|TC|TS|PR)(?:\d.*|\(.*\))|IQM")


class UnknownStatisticError(Exception):
    """There is no such statistic."""


class UnbuiltStatisticError(Exception):
    """Trimmed means and their kin are not built; Average, percentiles and the others are."""


def measure(name: str) -> Measure:
    """What computes a statistic. Raises UnknownStatisticError and UnbuiltStatisticError."""
    simple = SIMPLE.get(name)
    if simple is not None:
        return simple
    found = _PERCENTILE.fullmatch(name)
    if found is not None and float(found[1]) <= 100.0:
        percent = float(found[1])
        return lambda statistic: statistic.percentile(percent)
    raise UnbuiltStatisticError(name) if _TRIMMED.fullmatch(name) else UnknownStatisticError(name)


def needs_spread(name: str) -> bool:
    """Whether it can only be told from how samples are spread."""
    return name not in SIMPLE
