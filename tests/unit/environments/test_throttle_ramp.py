"""A load that grows past every limit: what runs at each second, and by which of AWS's reasons the rest is throttled."""

from collections import Counter
from dataclasses import dataclass, field

from stoker.environments.admission import ACCOUNT_LIMIT, ACCOUNT_RATE, RESERVED_LIMIT, RESERVED_RATE, Admission
from stoker.environments.assignment import Assignment, EnvironmentKey, Idle, New, Throttle, Wait
from stoker.functions.reservations import Reservations

FREE = EnvironmentKey("us-east-1", "free", "$LATEST", "1")
RESERVED = EnvironmentKey("us-east-1", "reserved", "$LATEST", "1")


@dataclass(kw_only=True)
class Account:
    """3,000 at once, of which one function has 300; memory has no end at first. Its clock is in seconds."""

    now: float = 1000.0
    spare_mb: float = float("inf")
    running: dict[EnvironmentKey, list[int]] = field(default_factory=lambda: {FREE: [], RESERVED: []})

    def __post_init__(self) -> None:
        reservations = Reservations(3000)
        reservations.put(("us-east-1", "reserved"), 300)
        self.assignment: Assignment[int] = Assignment(admission=Admission(reservations), spare_mb=lambda: self.spare_mb)
        self._count = 0

    def invoke(self, key: EnvironmentKey, count: int) -> Counter[str]:
        """How many more run now, and for what reasons others don't."""
        return Counter(self.one(key) for _ in range(count))

    def one(self, key: EnvironmentKey) -> str:
        match self.assignment.assign(key, 128, self.now):
            case Throttle(reason=reason):
                return reason
            case Idle(environment=environment):
                self.running[key].append(environment)
                return "runs"
            case New():
                self._count += 1
                self.assignment.started(key, self._count, 128)
                self.running[key].append(self._count)
                return "runs"
            case other:
                raise AssertionError(other)

    def finish(self, key: EnvironmentKey) -> None:
        self.assignment.released(self.running[key].pop())


def test_a_ramp_is_held_by_the_rate_of_new_environments_and_then_by_the_account() -> None:
    """200 more each second than the second before: a thousand at once, a hundred more each second, 2,700 in all."""
    account = Account()
    seen = []
    for second in range(30):
        account.now = 1000.0 + second
        came = account.invoke(FREE, 200)
        running = min(200 * (second + 1), 1000 + 100 * second, 2700)
        assert len(account.running[FREE]) == running
        assert came == Counter(runs=came["runs"]) + Counter({ACCOUNT_LIMIT: 200 - came["runs"]})
        seen.append(came["runs"])
    assert seen[:9] == [200] * 9 and seen[10:17] == [100] * 7 and seen[18:] == [0] * 12


def test_a_reserved_function_is_held_by_its_own_limit_whatever_the_others_do() -> None:
    account = Account()
    account.invoke(FREE, 1000)
    assert account.invoke(RESERVED, 400) == {"runs": 300, RESERVED_LIMIT: 100}
    account.now += 20.0
    assert account.invoke(FREE, 1001) == {"runs": 1000, ACCOUNT_LIMIT: 1}
    account.finish(RESERVED)
    assert account.invoke(RESERVED, 2) == {"runs": 1, RESERVED_LIMIT: 1}


def test_warm_requests_are_held_at_ten_a_second_for_each_that_may_run() -> None:
    """None of them is slow enough for a second environment."""
    account = Account()

    def one_after_the_other(key: EnvironmentKey) -> str:
        outcome = account.one(key)
        if outcome == "runs":
            account.finish(key)
        return outcome

    for key, limit, reason in ((RESERVED, 300, RESERVED_RATE), (FREE, 2700, ACCOUNT_RATE)):
        rate = 10 * limit
        assert Counter(one_after_the_other(key) for _ in range(rate + 5)) == {"runs": rate, reason: 5}
        account.now += 1 / 16
        assert Counter(one_after_the_other(key) for _ in range(rate))["runs"] == rate // 16


def test_no_idle_neighbour_goes_for_a_call_that_the_rate_throttles_anyway() -> None:
    account = Account()
    account.one(RESERVED)
    account.finish(RESERVED)
    account.invoke(FREE, 1000)
    account.spare_mb = 0.0
    assert account.one(FREE) == ACCOUNT_LIMIT
    account.now += 0.02
    assert account.assignment.assign(FREE, 128, account.now) == Wait(let_go=1)
