"""The embedded metric format: log lines that are JSON and say which of their members are metrics.

A line that is malformed costs nothing but itself: as in CloudWatch Logs, it is a line like any other. Lines are a
function's, so what one may ask for is bounded before anything is made of it. Source: "Specification: Embedded metric
format" in the Amazon CloudWatch User Guide.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from stoker.observability.cloudwatch.points import (
    NEWEST_S,
    OLDEST_S,
    Metric,
    Points,
    dimensions_text,
    is_measurable,
)

# What a line has to have in it, before it is looked at any closer: the others are nearly all.
MARK = '"_aws"'
_SIZES = [f"{scale}{size}" for size in ("bytes", "bits") for scale in ("", "Kilo", "Mega", "Giga", "Tera")]
_AMOUNTS = [*(size.capitalize() for size in _SIZES), "Count"]
UNITS = frozenset(
    [*_AMOUNTS, *(f"{each}/Second" for each in _AMOUNTS), "Seconds", "Microseconds", "Milliseconds", "Percent", "None"]
)
MOST_METRICS = 100
MOST_VALUES = 100
MOST_DIMENSIONS = 30
# The specification has no limit of these; a line has some dozens of members at most to make sets of.
MOST_DIMENSION_SETS = 100
MOST_OF_A_LINE = 1_000
_MOST_CHARACTERS = 1024

_decode = msgspec.json.Decoder().decode


def measure(points: Points, region: str, message: str, ingestion_ms: int) -> None:
    """Take up what a line measures; nothing where it is not of the format."""
    try:
        root = _decode(message)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return
    head = root.get("_aws") if isinstance(root, dict) else None
    if not isinstance(head, dict) or not isinstance(head.get("CloudWatchMetrics"), list):
        return
    at_ms = head.get("Timestamp")
    if not isinstance(at_ms, int) or not -OLDEST_S * 1000 <= at_ms - ingestion_ms <= NEWEST_S * 1000:
        return
    room = MOST_OF_A_LINE
    for directive in head["CloudWatchMetrics"][:MOST_METRICS]:
        for metric, unit, values, fine in _samples(region, directive, root):
            if room <= 0:
                return
            room -= 1
            for statistic in points.at(metric, unit, at_ms / 1000, high_resolution=fine):
                for value in values:
                    statistic.add(value)


def _samples(region: str, directive: Any, root: Mapping[str, Any]) -> Iterator[tuple[Metric, str, list[float], bool]]:
    """Metric, unit, values and whether it is of high resolution, for each set of dimensions."""
    if not isinstance(directive, dict) or not _is_text(directive.get("Namespace"), 255):
        return
    namespace, definitions = directive["Namespace"], directive.get("Metrics")
    if namespace.startswith(("AWS/", ":")) or not isinstance(definitions, list) or len(definitions) > MOST_METRICS:
        return
    dimension_sets = _dimension_sets(directive.get("Dimensions", [[]]), root)
    for definition in definitions:
        if not isinstance(definition, dict) or not _is_text(definition.get("Name"), _MOST_CHARACTERS):
            continue
        name, unit, values = definition["Name"], definition.get("Unit", "None"), _values(root.get(definition["Name"]))
        if values and isinstance(unit, str) and unit in UNITS and len(name) <= 255:
            for dimensions in dimension_sets:
                yield (
                    Metric(region, namespace, name, dimensions),
                    unit,
                    values,
                    definition.get("StorageResolution") == 1,
                )


def _dimension_sets(sets: Any, root: Mapping[str, Any]) -> Sequence[str]:
    """Each as text; those that name a member that is not there, or is no text, are left out."""
    if not isinstance(sets, list) or len(sets) > MOST_DIMENSION_SETS:
        return []
    found: dict[str, None] = {}
    for names in sets:
        if not isinstance(names, list) or len(names) > MOST_DIMENSIONS:
            continue
        values = {name: root.get(name) for name in names if _is_text(name, 255)}
        if len(values) == len(names) and all(_is_text(value, _MOST_CHARACTERS) for value in values.values()):
            found[dimensions_text({name: str(value) for name, value in values.items()})] = None
    return list(found)


def _values(value: Any) -> list[float]:
    """A member's numbers, or none if it is not made of such."""
    values = value if isinstance(value, list) else [value]
    if len(values) > MOST_VALUES:
        return []
    numbers = [float(each) for each in values if type(each) in (int, float) and abs(each) < 1e300]
    return numbers if len(numbers) == len(values) and all(map(is_measurable, numbers)) else []


def _is_text(value: Any, most: int) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= most
