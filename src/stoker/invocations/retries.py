"""What becomes of an event after a run, or instead of one: again later, or over. Pure.

Source: "How Lambda handles errors and retries with asynchronous invocation" in the AWS Lambda Developer Guide.
"""

from dataclasses import dataclass

from msgspec import Struct

from stoker.functions.event_invoke_config import EventInvokeConfig
from stoker.invocations.async_event import AsyncEvent
from stoker.model.errors import ServiceError, SnapStartException, SnapStartTimeoutException
from stoker.model.invocation import InvocationResult

SUCCESS = "Success"
RETRIES_EXHAUSTED = "RetriesExhausted"
EVENT_AGE_EXCEEDED = "EventAgeExceeded"
ZERO_RESERVED_CONCURRENCY = "ZeroReservedConcurrency"

TOO_MANY_REQUESTS = 429
# Lambda's answer while a function is being made or changed: it passes.
CONFLICT = 409
# So may what keeps a snapshot from being restored: hooks connect to what may be back in a while.
_PASSING = (SnapStartException, SnapStartTimeoutException)


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """AWS's figures, in seconds. `error_delays_s` are the waits after the first, the second, … function error."""

    error_delays_s: tuple[float, ...] = (60.0, 120.0)
    first_backoff_s: float = 1.0
    longest_backoff_s: float = 300.0
    max_age_s: float = 21_600.0

    def retries(self, config: EventInvokeConfig) -> int:
        """How often an event may run again after function errors."""
        most = len(self.error_delays_s)
        return most if config.retry_attempts is None else min(most, config.retry_attempts)

    def age_limit_s(self, config: EventInvokeConfig) -> float:
        return self.max_age_s if config.event_age_s is None else float(config.event_age_s)

    def backoff_s(self, backoffs: int) -> float:
        """The wait when an event could not run, for the time after `backoffs` such times in a row."""
        # Beyond 30 doublings any second is more than the longest wait, and 2.0 ** n would overflow one day.
        return min(self.longest_backoff_s, self.first_backoff_s * 2.0 ** min(backoffs, 30))


class Again(Struct, frozen=True, kw_only=True):
    """Run it again at `due_at`."""

    due_at: float
    attempts: int
    backoffs: int


class Over(Struct, frozen=True, kw_only=True):
    """It ends here, for a `condition` in the destination record's words. `result` is that of its last run, if any."""

    condition: str
    attempts: int
    result: InvocationResult | None = None


Settlement = Again | Over


def before_run(
    event: AsyncEvent, config: EventInvokeConfig, policy: RetryPolicy, now: float, *, stopped: bool
) -> Over | None:
    """Why an event does not run any more; None if it does. `stopped`: its function has a reserved concurrency of 0."""
    if stopped:
        return Over(condition=ZERO_RESERVED_CONCURRENCY, attempts=event.attempts)
    if now - event.accepted_at > policy.age_limit_s(config):
        return Over(condition=EVENT_AGE_EXCEEDED, attempts=event.attempts)
    return None


def after_run(
    event: AsyncEvent, result: InvocationResult, config: EventInvokeConfig, policy: RetryPolicy, now: float
) -> Settlement:
    """The function ran: its own errors are tried again after the policy's waits."""
    attempts = event.attempts + 1
    if result.function_error is None:
        return Over(condition=SUCCESS, attempts=attempts, result=result)
    if event.attempts >= policy.retries(config):
        return Over(condition=RETRIES_EXHAUSTED, attempts=attempts, result=result)
    due_at = now + policy.error_delays_s[event.attempts]
    # AWS does not wait for a moment at which it would be too late.
    if due_at - event.accepted_at > policy.age_limit_s(config):
        return Over(condition=EVENT_AGE_EXCEEDED, attempts=attempts, result=result)
    return Again(due_at=due_at, attempts=attempts, backoffs=0)


def after_refusal(
    event: AsyncEvent, error: Exception, config: EventInvokeConfig, policy: RetryPolicy, now: float
) -> Settlement:
    """The function did not run: throttles and faults of ours pass, what is wrong with the request does not."""
    if isinstance(error, ServiceError) and error.status < 500 and not _passes(error):
        return Over(condition=RETRIES_EXHAUSTED, attempts=event.attempts)
    due_at = now + policy.backoff_s(event.backoffs)
    if due_at - event.accepted_at > policy.age_limit_s(config):
        return Over(condition=EVENT_AGE_EXCEEDED, attempts=event.attempts)
    return Again(due_at=due_at, attempts=event.attempts, backoffs=event.backoffs + 1)


def _passes(error: ServiceError) -> bool:
    return error.status in (TOO_MANY_REQUESTS, CONFLICT) or isinstance(error, _PASSING)
