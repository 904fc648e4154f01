"""Which limit an invocation meets, and what its throttle is called."""

from stoker.environments.admission import Admission
from stoker.functions.reservations import Reservations

A, B, ELSEWHERE = ("us-east-1", "a"), ("us-east-1", "b"), ("eu-west-1", "a")
ACCOUNT = "ConcurrentInvocationLimitExceeded"
RESERVED = "ReservedFunctionConcurrentInvocationLimitExceeded"


def an_account(limit: int = 1000, **reserved: int) -> tuple[Admission, Reservations]:
    reservations = Reservations(limit)
    admission = Admission(reservations)
    for name, count in reserved.items():
        reservations.put(("us-east-1", name), count)
    return admission, reservations


def enter(admission: Admission, function: tuple[str, str], count: int = 1, now: float = 1000.0) -> list[str | None]:
    return [admission.enter(function, now) for _ in range(count)]


def test_the_accounts_limit_counts_what_runs_in_a_region() -> None:
    admission, _ = an_account(2)
    assert enter(admission, A) + enter(admission, B) == [None, None]
    assert enter(admission, A) == [ACCOUNT]
    assert enter(admission, ELSEWHERE) == [None]
    admission.leave(B)
    assert enter(admission, A) == [None]


def test_a_reservation_is_a_limit_and_a_guarantee() -> None:
    admission, _ = an_account(5, a=3)
    assert enter(admission, B, 3) == [None, None, ACCOUNT]
    assert enter(admission, A, 4) == [None, None, None, RESERVED]


def test_a_reservation_of_nothing_stops_the_function() -> None:
    admission, _ = an_account(a=0)
    assert enter(admission, A) == [RESERVED]


def test_what_runs_counts_where_its_function_belongs_when_a_reservation_comes_and_goes() -> None:
    admission, reservations = an_account(4)
    enter(admission, A, 2)
    enter(admission, B, 2)
    reservations.put(A, 2)
    assert enter(admission, A) + enter(admission, B) == [RESERVED, ACCOUNT]
    admission.leave(A)
    reservations.put(A, None)
    assert enter(admission, B, 2) == [None, ACCOUNT]
    for function in (A, B, B, B):
        admission.leave(function)
    assert enter(admission, A, 5) == [None, None, None, None, ACCOUNT]


def test_a_provisioned_environment_has_its_slot_whether_it_runs_or_not() -> None:
    admission, _ = an_account(4, a=2)
    admission.provision(A)
    assert enter(admission, A, 2) == [None, RESERVED]
    assert admission.enter(A, 1000.0, provisioned=True) is None
    admission.provision(B)
    assert enter(admission, B, 2) == [None, ACCOUNT]


def test_ten_requests_a_second_for_each_concurrency() -> None:
    admission, _ = an_account(10, a=1)
    reasons = []
    for _ in range(11):
        reasons += enter(admission, A)
        if reasons[-1] is None:
            admission.leave(A)
    assert reasons == [None] * 10 + ["ReservedFunctionInvocationRateLimitExceeded"]
    assert enter(admission, A, now=1000.05) == ["ReservedFunctionInvocationRateLimitExceeded"]
    assert enter(admission, A, now=1000.11) == [None]


def test_functions_without_a_reservation_share_their_rate() -> None:
    admission, _ = an_account(3, b=1)
    for _ in range(20):
        assert enter(admission, A) == [None]
        admission.leave(A)
    assert enter(admission, ("us-east-1", "c")) == ["FunctionInvocationRateLimitExceeded"]
    assert enter(admission, B) + enter(admission, ELSEWHERE) == [None, None]


def test_a_throttled_request_does_not_count_towards_the_rate() -> None:
    admission, _ = an_account(a=1)
    enter(admission, A, 100)
    admission.leave(A)
    assert enter(admission, A) == [None]


def test_a_thousand_environments_at_once_then_a_hundred_a_second() -> None:
    admission, _ = an_account(5000)
    assert sum(admission.scale(A, 1000.0) for _ in range(1500)) == 1000
    assert admission.scale(B, 1000.0)
    assert sum(admission.scale(A, 1001.0) for _ in range(500)) == 100
    assert sum(admission.scale(A, 1011.0) for _ in range(1500)) == 1000


def test_allowance_that_was_not_used_is_not_saved_up() -> None:
    admission, _ = an_account(5000)
    admission.scale(A, 1000.0)
    assert sum(admission.scale(A, 2000.0) for _ in range(3000)) == 1000


def test_functions_that_are_not_in_use_are_forgotten() -> None:
    admission, _ = an_account()
    for number in range(10_001):
        function = ("us-east-1", f"f{number}")
        now = 1000.0 + number / 1000
        assert admission.enter(function, now) is None
        admission.leave(function)
    assert len(admission._uses) == 1
