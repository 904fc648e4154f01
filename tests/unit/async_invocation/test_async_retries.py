"""What becomes of an event: the rules of AWS's retries, at moments that nobody can wait for."""

import pytest

from fakes.async_queue import an_event
from stoker.functions.event_invoke_config import EventInvokeConfig
from stoker.invocations.async_event import AsyncEvent
from stoker.invocations.retries import Again, Over, RetryPolicy, Settlement, after_refusal, after_run, before_run
from stoker.model.errors import (
    RecursiveInvocationException,
    RequestTooLargeException,
    ResourceConflictException,
    ResourceNotFoundException,
    SnapStartException,
    SnapStartTimeoutException,
    TooManyRequestsException,
)
from stoker.model.invocation import InvocationResult

POLICY = RetryPolicy()
DEFAULTS = EventInvokeConfig()
GOOD = InvocationResult(request_id="r-1", payload=b"1", executed_version="3")
BAD = InvocationResult(request_id="r-1", payload=b"{}", executed_version="3", function_error="Unhandled")


def run(event: AsyncEvent, result: InvocationResult, now: float, **config: int) -> Settlement:
    return after_run(event, result, EventInvokeConfig(**config), POLICY, now)  # type: ignore[arg-type]


def test_a_success_is_the_end() -> None:
    assert run(an_event(), GOOD, 1001.0) == Over(condition="Success", attempts=1, result=GOOD)


def test_a_function_error_is_tried_again_after_one_and_after_two_minutes_and_then_no_more() -> None:
    assert run(an_event(), BAD, 1001.0) == Again(due_at=1061.0, attempts=1, backoffs=0)
    assert run(an_event(attempts=1), BAD, 1062.0) == Again(due_at=1182.0, attempts=2, backoffs=0)
    exhausted = Over(condition="RetriesExhausted", attempts=3, result=BAD)
    assert run(an_event(attempts=2), BAD, 1183.0) == exhausted


def test_the_config_says_how_many_retries_there_are() -> None:
    exhausted = Over(condition="RetriesExhausted", attempts=1, result=BAD)
    assert run(an_event(), BAD, 1001.0, retry_attempts=0) == exhausted
    assert isinstance(run(an_event(), BAD, 1001.0, retry_attempts=1), Again)
    assert isinstance(run(an_event(attempts=1), BAD, 1062.0, retry_attempts=1), Over)


def test_a_retry_that_would_come_too_late_is_given_up_at_once() -> None:
    exceeded = Over(condition="EventAgeExceeded", attempts=1, result=BAD)
    assert run(an_event(), BAD, 1001.0, event_age_s=60) == exceeded
    assert isinstance(run(an_event(), BAD, 1000.0, event_age_s=60), Again)


def test_an_event_that_waited_too_long_does_not_run() -> None:
    config = EventInvokeConfig(event_age_s=60)
    assert before_run(an_event(), config, POLICY, 1060.0, stopped=False) is None
    exceeded = Over(condition="EventAgeExceeded", attempts=0)
    assert before_run(an_event(), config, POLICY, 1060.1, stopped=False) == exceeded
    assert before_run(an_event(), DEFAULTS, POLICY, 1000.0 + 21_600, stopped=False) is None
    assert before_run(an_event(), DEFAULTS, POLICY, 1000.1 + 21_600, stopped=False) == exceeded


def test_a_stopped_function_runs_nothing() -> None:
    assert before_run(an_event(), DEFAULTS, POLICY, 1000.0, stopped=True) == Over(
        condition="ZeroReservedConcurrency", attempts=0
    )


@pytest.mark.parametrize(
    "error",
    [
        TooManyRequestsException(),
        ResourceConflictException(),
        SnapStartException(),
        SnapStartTimeoutException(),
        RuntimeError("ours"),
    ],
)
def test_what_passes_is_tried_again_after_longer_and_longer_waits(error: Exception) -> None:
    waits = []
    for backoffs in range(12):
        again = after_refusal(an_event(backoffs=backoffs), error, DEFAULTS, POLICY, 1000.0)
        assert isinstance(again, Again)
        waits.append(again.due_at - 1000.0)
        assert (again.attempts, again.backoffs) == (0, backoffs + 1)
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]


def test_throttles_do_not_use_up_the_retries_but_end_with_the_events_age() -> None:
    throttled = TooManyRequestsException()
    config = EventInvokeConfig(retry_attempts=0)
    assert isinstance(after_refusal(an_event(backoffs=50), throttled, config, POLICY, 20_000.0), Again)
    over = after_refusal(an_event(backoffs=50), throttled, config, POLICY, 22_301.0)
    assert over == Over(condition="EventAgeExceeded", attempts=0)


@pytest.mark.parametrize(
    "error", [ResourceNotFoundException(), RequestTooLargeException(), RecursiveInvocationException()]
)
def test_what_does_not_pass_is_the_end(error: Exception) -> None:
    assert after_refusal(an_event(), error, DEFAULTS, POLICY, 1000.0) == Over(condition="RetriesExhausted", attempts=0)


def test_waits_do_not_overflow_however_often_it_could_not_run() -> None:
    assert POLICY.backoff_s(100_000) == 300.0
