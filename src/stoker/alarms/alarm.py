"""One alarm, and its row."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Row

from stoker.observability.cloudwatch.metric_math import MetricMath
from stoker.observability.cloudwatch.queries import MetricQuery
from stoker.observability.cloudwatch.query_words import metric_of, queries_of

OK, ALARM, INSUFFICIENT_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"
_ACTIONS = {OK: "OKActions", ALARM: "AlarmActions", INSUFFICIENT_DATA: "InsufficientDataActions"}


@dataclass(frozen=True, kw_only=True)
class State:
    """What an alarm is in, since when (seconds since the epoch), and why, in words and as JSON."""

    value: str = INSUFFICIENT_DATA
    reason: str = "Unchecked: Initial alarm creation"
    data: str | None = None
    updated_at: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """`settings` are PutMetricAlarm's members but for names and tags, with what it has by default."""

    region: str
    name: str
    revision: int
    settings: Mapping[str, Any]
    configured_at: float
    state: State = field(default_factory=State)
    tags: Mapping[str, str] = field(default_factory=dict)

    def arn(self, account: str) -> str:
        return alarm_arn(self.region, account, self.name)

    def actions(self, state: str) -> Sequence[str]:
        """Who is told of a state: ARNs, none where actions are switched off."""
        found: Sequence[str] = self.settings.get(_ACTIONS[state], []) if self.settings["ActionsEnabled"] else []
        return found

    def queries(self, math: MetricMath) -> Sequence[MetricQuery]:
        """What is asked to evaluate it; one query is `returned`."""
        settings = self.settings
        if "Metrics" in settings:
            return queries_of(settings["Metrics"], self.region, math)
        return [
            MetricQuery(
                id="m1",
                metric=metric_of(settings, self.region),
                statistic=settings.get("Statistic") or settings["ExtendedStatistic"],
                unit=settings.get("Unit"),
                period_s=settings["Period"],
            )
        ]

    @property
    def period_s(self) -> int:
        """That of its datapoints: the longest that its metrics have."""
        periods = [self.settings.get("Period", 0)]
        for query in self.settings.get("Metrics", []):
            periods += [query.get("Period", 0), query.get("MetricStat", {}).get("Period", 0)]
        return max(periods) or 60

    def changed(self, **members: Any) -> "Alarm":
        return replace(self, revision=self.revision + 1, **members)

    def row(self) -> dict[str, Any]:
        state = self.state
        return {
            "region": self.region,
            "name": self.name,
            "revision": self.revision,
            "settings": json.dumps(self.settings),
            "configured_at": self.configured_at,
            "state": state.value,
            "reason": state.reason,
            "reason_data": state.data,
            "updated_at": state.updated_at,
            "tags": json.dumps(self.tags),
        }

    @classmethod
    def of(cls, row: Row[Any]) -> "Alarm":
        state = State(value=row.state, reason=row.reason, data=row.reason_data, updated_at=row.updated_at)
        return cls(
            region=row.region,
            name=row.name,
            revision=row.revision,
            settings=json.loads(row.settings),
            configured_at=row.configured_at,
            state=state,
            tags=json.loads(row.tags),
        )


def alarm_arn(region: str, account: str, name: str) -> str:
    return f"arn:aws:cloudwatch:{region}:{account}:alarm:{name}"
