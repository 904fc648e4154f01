"""Which environment an invocation gets."""

from hypothesis import given
from hypothesis import strategies as st

from stoker.environments.assignment import Assignment, EnvironmentKey, Idle, New, Throttle

A = EnvironmentKey("us-east-1", "a", "$LATEST", "1")
B = EnvironmentKey("us-east-1", "b", "$LATEST", "1")


class Account:
    """An assignment whose environments are called by number."""

    def __init__(self, concurrency: int = 1000, budget_mb: float = float("inf")) -> None:
        self.budget_mb = budget_mb
        self.assignment: Assignment[str] = Assignment(concurrency=concurrency, memory_budget_mb=lambda: self.budget_mb)
        self.count = 0

    def invoke(self, key: EnvironmentKey = A, memory_mb: int = 128, reserved: int | None = None) -> str:
        """The environment's name, `throttled: reason`."""
        decision = self.assignment.assign(key, memory_mb=memory_mb, reserved=reserved)
        if isinstance(decision, Throttle):
            return f"throttled: {decision.reason}"
        if isinstance(decision, Idle):
            return decision.environment
        for environment in decision.let_go:
            self.assignment.gone(environment)
        self.count += 1
        name = f"e{self.count}"
        self.assignment.started(key, name, memory_mb=memory_mb)
        return name

    def finish(self, *names: str) -> None:
        for name in names:
            self.assignment.released(name)


def test_the_most_recently_used_environment_comes_first() -> None:
    account = Account()
    first, second = account.invoke(), account.invoke()
    account.finish(first, second)
    assert account.invoke() == second
    assert account.invoke() == first
    assert account.invoke() == "e3"


def test_functions_versions_and_revisions_do_not_share_environments() -> None:
    account = Account()
    account.finish(account.invoke(A))
    others = (B, A._replace(region="eu-west-1"), A._replace(version="1"), A._replace(revision_id="2"))
    assert [account.invoke(key) for key in others] == ["e2", "e3", "e4", "e5"]


def test_the_accounts_concurrency_counts_what_runs_and_not_what_is_idle() -> None:
    account = Account(concurrency=2)
    first = account.invoke(A)
    account.finish(account.invoke(B))
    account.invoke(A)
    assert account.invoke(A) == "throttled: ConcurrentInvocationLimitExceeded"
    account.finish(first)
    assert account.invoke(A) == first


def test_reserved_concurrency_limits_a_function_over_all_its_versions() -> None:
    account = Account()
    first = account.invoke(A, reserved=1)
    version = A._replace(version="1")
    reason = "throttled: ReservedFunctionConcurrentInvocationLimitExceeded"
    assert account.invoke(version, reserved=1) == reason
    assert account.invoke(B) == "e2"
    account.finish(first)
    assert account.invoke(version, reserved=1) == "e3"
    assert account.invoke(A, reserved=0) == reason


def test_short_memory_costs_the_environments_that_were_idle_longest() -> None:
    account = Account(budget_mb=512)
    names = [account.invoke(A) for _ in range(4)]
    account.finish(*names)
    assert account.assignment.assign(B, memory_mb=200) == New(let_go=("e1", "e2"))
    account.invoke(B, memory_mb=200)
    assert [account.invoke(A) for _ in range(2)] == ["e4", "e3"]


def test_what_runs_is_never_let_go_for_memory() -> None:
    account = Account(budget_mb=256)
    account.invoke(A)
    account.invoke(A)
    assert account.invoke(B) == "throttled: ConcurrentInvocationLimitExceeded"


def test_an_idle_environment_runs_even_when_memory_has_become_short() -> None:
    account = Account()
    account.finish(account.invoke())
    account.budget_mb = 0
    assert account.invoke() == "e1"


def test_what_is_gone_is_neither_assigned_nor_counted() -> None:
    account = Account(concurrency=1, budget_mb=128)
    account.finish(account.invoke())
    account.assignment.gone("e1")
    assert account.invoke() == "e2"
    account.assignment.gone("e2")
    assert repr(account.assignment) == "<Assignment 0 running, 0 idle, 0 MB>"
    assert account.assignment.of_function("us-east-1", "a") == []


@given(st.lists(st.tuples(st.sampled_from(["invoke", "finish", "gone"]), st.integers(0, 9)), max_size=60))
def test_no_order_of_events_runs_more_than_allowed_or_two_in_one(steps: list[tuple[str, int]]) -> None:
    account, running = Account(concurrency=3, budget_mb=640), []
    for step, number in steps:
        if step == "invoke":
            name = account.invoke((A, B)[number % 2])
            if not name.startswith("throttled"):
                assert name not in running
                running.append(name)
        elif running:
            name = running.pop(number % len(running))
            (account.finish if step == "finish" else account.assignment.gone)(name)
        assert len(running) == account.assignment.running <= 3
        assert len(list(account.assignment)) * 128 <= 640
