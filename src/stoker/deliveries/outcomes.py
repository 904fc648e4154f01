"""What becomes of a delivery after it was tried: delivered, again later, or given up. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from stoker.deliveries.delivery import DeadLetter, Delivery, Retry
from stoker.model.errors import NotBuiltError, ServiceError

MAX_RETRIES_EXHAUSTED = "MaximumRetryAttempts"
MAX_AGE_EXHAUSTED = "MaximumEventAgeInSeconds"
# A throttle, and a target that is being made or changed: both pass.
PASSING_STATUSES = frozenset({409, 429})
# SQS's bound for a message attribute's text is the message's; a longer error helps nobody.
MAX_ERROR_CHARS = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Outgoing:
    """A delivery that is picked up. `failures` are the times that it was tried in vain; times of the epoch."""

    id: int
    lane: str | None
    accepted_at: float
    failures: int
    delivery: Delivery
    retry: Retry
    dead_letter: DeadLetter | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivered:
    """It is over: it arrived, or it was given up, and then goes to its dead-letter queue if it has one."""

    id: int
    lane: str | None
    dead_letter: Delivery | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Again:
    """It is tried again at `due_at`."""

    id: int
    due_at: float
    failures: int


Outcome = Delivered | Again


def is_passing(error: Exception) -> bool:
    """Whether it may help to try again: AWS does not where nobody is there or the target's policy says no."""
    if isinstance(error, NotBuiltError):
        return False
    return not isinstance(error, ServiceError) or error.status >= 500 or error.status in PASSING_STATUSES


def after_failure(outgoing: Outgoing, error: Exception, *, now: float, jitter: float) -> Outcome:
    """What becomes of a delivery that failed."""
    failures = outgoing.failures + 1
    if not is_passing(error):
        return _given_up(outgoing, error, failures, None)
    if failures > outgoing.retry.max_retries:
        return _given_up(outgoing, error, failures, MAX_RETRIES_EXHAUSTED)
    due_at = now + outgoing.retry.delay_s(failures, jitter)
    if due_at - outgoing.accepted_at > outgoing.retry.max_age_s:
        return _given_up(outgoing, error, failures, MAX_AGE_EXHAUSTED)
    return Again(id=outgoing.id, due_at=due_at, failures=failures)


def _given_up(outgoing: Outgoing, error: Exception, failures: int, condition: str | None) -> Delivered:
    letter = outgoing.dead_letter
    if letter is None:
        return Delivered(id=outgoing.id, lane=outgoing.lane)
    delivery = outgoing.delivery
    attributes = delivery.attributes
    if letter.attributes is not None:
        attributes = {**letter.attributes, **_error_attributes(delivery, error, failures, condition)}
    body = delivery.body if letter.body is None else letter.body
    dead = replace(delivery, target=letter.queue, body=body, attributes=attributes)
    return Delivered(id=outgoing.id, lane=outgoing.lane, dead_letter=dead)


def _error_attributes(delivery: Delivery, error: Exception, failures: int, condition: str | None) -> Mapping[str, str]:
    """Source: "Using dead-letter queues to process undelivered events" in the EventBridge User Guide."""
    caused = {} if condition is None else {"EXHAUSTED_RETRY_CONDITION": condition}
    return {
        "TARGET_ARN": delivery.target,
        "ERROR_CODE": _code(error),
        "ERROR_MESSAGE": str(error)[:MAX_ERROR_CHARS] or type(error).__name__,
        "RETRY_ATTEMPTS": str(failures - 1),
        **caused,
    }


def _code(error: Exception) -> str:
    """EventBridge's names for what can go wrong; others go by their own."""
    if isinstance(error, NotBuiltError):
        return "NOT_IMPLEMENTED"
    if not isinstance(error, ServiceError):
        return "INTERNAL_ERROR"
    if error.status == 404:
        return "NO_RESOURCE"
    if error.status == 403:
        return "NO_PERMISSIONS"
    if error.status == 429:
        return "THROTTLING"
    return error.code
