"""What state datapoints put an alarm into. Pure.

Source: "Alarm evaluation" and "Configuring how CloudWatch alarms treat missing data" in the CloudWatch User Guide.
"""

import json
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from stoker.alarms.alarm import ALARM, INSUFFICIENT_DATA, OK, Alarm, State

# Datapoints that are looked at beyond the alarm's own, where some of those are missing.
EXTRA_PERIODS = 2
# As long as the wire lets reasons and their data be.
_MOST_REASON, _MOST_DATA = 1023, 4000

COMPARISONS: Mapping[str, tuple[str, Callable[[float, float], bool]]] = {
    "GreaterThanOrEqualToThreshold": ("greater than or equal to", operator.ge),
    "GreaterThanThreshold": ("greater than", operator.gt),
    "LessThanThreshold": ("less than", operator.lt),
    "LessThanOrEqualToThreshold": ("less than or equal to", operator.le),
}
MISSING, IGNORE, BREACHING, NOT_BREACHING = "missing", "ignore", "breaching", "notBreaching"


@dataclass(frozen=True, kw_only=True)
class Datapoint:
    """One period's value; `age` is 1 for the latest period, 2 for the one before."""

    at: int
    value: float
    age: int
    breaching: bool


def span(alarm: Alarm, end: int) -> tuple[int, int]:
    """From when to when datapoints are asked for, if the latest period ends at `end`."""
    return end - (alarm.settings["EvaluationPeriods"] + EXTRA_PERIODS) * alarm.period_s, end


def evaluate(alarm: Alarm, points: Mapping[int, float], *, end: int, now: float) -> State | None:
    """The state that an alarm comes into by what is in its span; None where it stays in that in which it is."""
    periods = alarm.settings["EvaluationPeriods"]
    needed = alarm.settings["DatapointsToAlarm"]
    treatment = alarm.settings["TreatMissingData"]
    known = _datapoints(alarm, points, end)[-periods:]
    missing = periods - len(known)
    value = _value(known, missing, needed, treatment)
    if value is None or value == alarm.state.value:
        return None
    data = {
        "version": "1.0",
        "queryDate": stamp(now),
        **({"startDate": stamp(known[0].at)} if known else {}),
        **({"statistic": _statistic(alarm)} if "Metrics" not in alarm.settings else {}),
        "period": alarm.period_s,
        "recentDatapoints": [each.value for each in known],
        "threshold": alarm.settings["Threshold"],
        "evaluatedDatapoints": [{"timestamp": stamp(each.at), "value": each.value} for each in reversed(known)],
    }
    text = json.dumps(data, separators=(",", ":"))
    return State(
        value=value,
        reason=_reason(alarm, known, missing, value)[:_MOST_REASON],
        data=text if len(text) <= _MOST_DATA else None,
        updated_at=now,
    )


def _datapoints(alarm: Alarm, points: Mapping[int, float], end: int) -> list[Datapoint]:
    """Those that there are, oldest first."""
    breaches, threshold = COMPARISONS[alarm.settings["ComparisonOperator"]][1], alarm.settings["Threshold"]
    return [
        Datapoint(at=at, value=value, age=-(-(end - at) // alarm.period_s), breaching=breaches(value, threshold))
        for at, value in sorted(points.items())
    ]


def _value(known: Sequence[Datapoint], missing: int, needed: int, treatment: str) -> str | None:
    """None: it stays as it is."""
    breaching = sum(each.breaching for each in known)
    if treatment == BREACHING:
        return ALARM if breaching + missing >= needed else OK
    if breaching >= needed:
        return ALARM
    if treatment == NOT_BREACHING:
        return OK
    if not known:
        return INSUFFICIENT_DATA if treatment == MISSING else None
    if breaching < len(known):
        return OK
    # All that is known is bad, and it is too little. An alarm waits until the oldest of it is as old as it would have
    # to be if nothing were missing.
    return ALARM if treatment == MISSING and known[0].age >= needed else None


def _reason(alarm: Alarm, known: Sequence[Datapoint], missing: int, value: str) -> str:
    treatment, settings = alarm.settings["TreatMissingData"], alarm.settings
    if value == INSUFFICIENT_DATA:
        return f"Insufficient Data: {_counted(missing, 'datapoint')} {'was' if missing == 1 else 'were'} unknown."
    if not known:
        treated = "Breaching" if treatment == BREACHING else "NonBreaching"
        return (
            f"Threshold Crossed: no datapoints were received for {_counted(missing, 'period')} and "
            f"{_counted(missing, 'missing datapoint')} {'was' if missing == 1 else 'were'} treated as [{treated}]."
        )
    crossed = [each for each in known if each.breaching == (value == ALARM)] or known
    shown = ", ".join(f"{each.value} ({datetime.fromtimestamp(each.at, UTC):%d/%m/%y %H:%M:%S})" for each in crossed)
    words = COMPARISONS[settings["ComparisonOperator"]][0]
    was = f"{'was' if len(crossed) == 1 else 'were'} {'' if value == ALARM else 'not '}{words}"
    needed = settings["DatapointsToAlarm"]
    least = needed if value == ALARM else settings["EvaluationPeriods"] - needed + 1
    transition = "OK -> ALARM" if value == ALARM else "ALARM -> OK"
    return (
        f"Threshold Crossed: {len(crossed)} out of the last {_counted(len(known), 'datapoint')} [{shown}] {was} the "
        f"threshold ({float(settings['Threshold'])}) (minimum {_counted(least, 'datapoint')} for {transition} "
        "transition)."
    )


def _statistic(alarm: Alarm) -> Any:
    return alarm.settings.get("Statistic") or alarm.settings["ExtendedStatistic"]


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def stamp(moment: float) -> str:
    """`2026-01-31T12:00:00.000+0000`: how CloudWatch writes moments in its notices."""
    return f"{datetime.fromtimestamp(moment, UTC).isoformat(timespec='milliseconds')[:-6]}+0000"
