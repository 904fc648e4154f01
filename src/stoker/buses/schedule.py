"""One schedule of EventBridge Scheduler, and when it is due. Pure; times are in seconds since the epoch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from stoker.buses import names
from stoker.buses.schedule_expression import At, Expression, Rate, ScheduleExpressionError, parse_expression
from stoker.model.errors import ValidationException

Document = Mapping[str, Any]
"""What CreateSchedule was given, in its words, with times in seconds: `ScheduleExpression`, `Target`, …"""


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A schedule as it is stored.

    `due_at` is when its target is next called, None if that will not be; `scheduled_at` the time that the expression
    means, which a flexible window may put off. `origin` is what a rate counts from.
    """

    region: str
    group_name: str
    name: str
    document: Document
    created: float = 0.0
    modified: float = 0.0
    origin: float = 0.0
    due_at: float | None = None
    scheduled_at: float | None = None
    client_token: str | None = None

    def arn(self, account: str) -> str:
        return names.schedule_arn(self.region, account, self.group_name, self.name)

    @property
    def enabled(self) -> bool:
        return bool(self.document.get("State", "ENABLED") == "ENABLED")

    def first(self, now: float) -> float | None:
        """The first time from `now` on that the expression means; a rate begins at once.

        A single moment that has passed counts: whoever asked for it a second late wants it still.
        """
        begin = max(now, self.document.get("StartDate") or now)
        expression = expression_of(self.document)
        if isinstance(expression, At):
            return expression.at
        # A rate's origin itself counts, and so does the very moment of the start date.
        before = begin - 1e-6 if isinstance(expression, Rate) or begin > now else begin
        return self._until_end(expression.next_after(before, self.origin))

    def following(self, now: float) -> float | None:
        """The next time after `now`."""
        return self._until_end(expression_of(self.document).next_after(now, self.origin))

    def _until_end(self, due_at: float | None) -> float | None:
        end = self.document.get("EndDate")
        is_over = due_at is None or (end is not None and due_at > end)
        return None if is_over else due_at

    def delayed(self, scheduled_at: float, random: float) -> float:
        """When a time that is meant comes true: somewhere in the flexible window; `random` is in [0, 1)."""
        window = self.document["FlexibleTimeWindow"]
        minutes = window.get("MaximumWindowInMinutes", 0) if window["Mode"] == "FLEXIBLE" else 0
        return scheduled_at + random * minutes * 60


def expression_of(document: Document) -> Expression:
    """The parsed expression in its zone. Raises ValidationException."""
    name = document.get("ScheduleExpressionTimezone", "UTC")
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValidationException(f"The ScheduleExpressionTimezone {name} is not supported.") from None
    try:
        return parse_expression(document["ScheduleExpression"], zone)
    except ScheduleExpressionError:
        raise ValidationException(f"Invalid Schedule Expression {document['ScheduleExpression']}.") from None


def check_document(document: Document) -> None:
    """Raises ValidationException for what the model's shapes cannot tell."""
    expression_of(document)
    window = document["FlexibleTimeWindow"]
    if (window["Mode"] == "FLEXIBLE") != ("MaximumWindowInMinutes" in window):
        raise ValidationException(
            "MaximumWindowInMinutes must be set if FlexibleTimeWindow Mode is FLEXIBLE, and only then."
        )
    start, end = document.get("StartDate"), document.get("EndDate")
    if start is not None and end is not None and end <= start:
        raise ValidationException("The EndDate must come after the StartDate.")
