"""Which environment an invocation gets."""

from hypothesis import given
from hypothesis import strategies as st

from stoker.environments.admission import Admission
from stoker.environments.assignment import EXPECTED_MB, Assignment, EnvironmentKey, Idle, New, Throttle, Wait
from stoker.functions.reservations import Reservations

A = EnvironmentKey("us-east-1", "a", "$LATEST", "1")
B = EnvironmentKey("us-east-1", "b", "$LATEST", "1")


class Account:
    """An assignment whose environments are called by number, on a machine where each takes 100 MB once it runs."""

    def __init__(self, concurrency: int = 1000, memory_mb: float = float("inf")) -> None:
        self.memory_mb = memory_mb
        self.now = 1000.0
        self.reservations = Reservations(concurrency)
        self.assignment: Assignment[str] = Assignment(
            admission=Admission(self.reservations),
            spare_mb=lambda: self.memory_mb - 100 * len(self.initialised),
        )
        self.initialised: set[str] = set()
        self.count = 0

    def invoke(self, key: EnvironmentKey = A, memory_mb: int = 128, *, init: bool = True) -> str:
        """The environment's name, `throttled: reason`, or `waits: for the end of`.

        The short way is tried first: whatever a test does, it must find what `assign` would, and change nothing else.
        """
        expected = self.assignment.next_idle(key)
        idle = self.assignment.take_idle(key, self.now)
        if idle is not None:
            assert idle == expected
            return idle
        decision = self.assignment.assign(key, memory_mb, self.now)
        assert not isinstance(decision, Idle)
        if isinstance(decision, New):
            return self.start(key, memory_mb, init=init)
        return say(decision)

    def ask_again(self, key: EnvironmentKey = A, *, first: bool = True) -> str:
        decision = self.assignment.reassign(key, 128, self.now, first=first)
        return self.start(key, 128) if isinstance(decision, New) else say(decision)

    def start(self, key: EnvironmentKey, memory_mb: int = 128, *, init: bool = True, provisioned: bool = False) -> str:
        self.count += 1
        name = f"e{self.count}"
        self.assignment.started(key, name, memory_mb, provisioned=provisioned)
        if init:
            self.init(name)
        return name

    def provision(self, key: EnvironmentKey = A) -> str:
        name = self.start(key, provisioned=True)
        self.assignment.released(name)
        return name

    def init(self, name: str) -> None:
        self.assignment.initialised(name)
        self.initialised.add(name)

    def finish(self, *names: str) -> None:
        for name in names:
            self.assignment.released(name)

    def end(self, *names: str) -> None:
        for name in names:
            self.assignment.gone(name)
            self.initialised.discard(name)


def say(decision: Idle[str] | Wait[str] | Throttle) -> str:
    if isinstance(decision, Idle):
        return decision.environment
    return f"waits: {decision.let_go}" if isinstance(decision, Wait) else f"throttled: {decision.reason}"


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


def test_what_is_gone_is_neither_assigned_nor_counted() -> None:
    account = Account(concurrency=1)
    account.finish(account.invoke())
    account.end("e1")
    assert account.invoke() == "e2"
    account.end("e2")
    assert repr(account.assignment) == "<Assignment 0 running, 0 idle>"
    assert account.assignment.on_demand_of("us-east-1", "a") == []
    assert account.invoke() == "e3"


def test_a_full_machine_lets_go_what_was_idle_longest_one_after_the_other() -> None:
    account = Account(memory_mb=300)
    account.finish(*[account.invoke(A) for _ in range(3)])
    assert account.invoke(B) == "waits: e1"
    account.end("e1")
    assert account.ask_again(B) == "e4"
    assert [account.invoke(A) for _ in range(2)] == ["e3", "e2"]


def test_what_runs_is_never_let_go_for_memory() -> None:
    account = Account(memory_mb=200)
    account.invoke(A)
    account.invoke(A)
    assert account.invoke(B) == "waits: None"
    assert account.ask_again(B) == "waits: None"


def test_a_waiting_invocation_takes_the_environment_of_its_function_that_comes_free() -> None:
    account = Account(memory_mb=100)
    first = account.invoke(A)
    assert account.invoke(A) == "waits: None"
    account.finish(first)
    assert account.ask_again(A) == first
    assert account.assignment.waiting == 0


def test_nobody_overtakes_those_who_wait_for_memory() -> None:
    account = Account(memory_mb=100)
    account.invoke(A)
    assert account.invoke(B) == "waits: None"
    account.memory_mb = 300
    assert account.invoke(A) == "waits: None"
    assert account.ask_again(A, first=False) == "waits: None"
    assert account.ask_again(B) == "e2"
    assert account.ask_again(A) == "e3"


def test_those_who_wait_count_as_running_until_they_give_up() -> None:
    account = Account(concurrency=2, memory_mb=100)
    account.invoke(A)
    account.invoke(B)
    assert account.invoke(B) == "throttled: ConcurrentInvocationLimitExceeded"
    account.assignment.abandon(B)
    assert account.invoke(B) == "waits: None"


def test_what_an_environment_will_take_counts_until_its_init_is_over_and_it_can_be_measured() -> None:
    account = Account(memory_mb=EXPECTED_MB * 2 + 10)
    first, second = account.invoke(init=False), account.invoke(init=False)
    assert account.invoke() == "waits: None"
    account.memory_mb = 400
    account.init(first)
    account.init(second)
    assert account.ask_again() == "e3"


def test_a_function_smaller_than_what_is_expected_needs_no_more_than_its_own_limit() -> None:
    account = Account(memory_mb=EXPECTED_MB - 1)
    assert account.invoke(memory_mb=EXPECTED_MB - 1) == "e1"


def test_an_idle_environment_runs_even_when_memory_has_become_short() -> None:
    account = Account()
    account.finish(account.invoke())
    account.memory_mb = 0
    assert account.invoke() == "e1"


def test_provisioned_environments_come_first_and_the_rest_spills_over() -> None:
    account = Account()
    on_demand = account.invoke()
    account.finish(on_demand)
    provisioned = account.provision()
    assert [account.invoke() for _ in range(3)] == [provisioned, on_demand, "e3"]
    account.finish(provisioned)
    assert account.invoke() == provisioned


def test_provisioned_environments_are_not_let_go_for_memory() -> None:
    account = Account(memory_mb=100)
    account.provision()
    assert account.invoke(B) == "waits: None"


def test_a_provisioned_environment_that_is_being_initialised_is_not_assigned() -> None:
    account = Account()
    name = account.start(A, provisioned=True, init=False)
    assert account.invoke() == "e2"
    account.init(name)
    account.finish(name)
    assert account.invoke() == name


@given(st.lists(st.tuples(st.sampled_from(["invoke", "finish", "gone", "ask"]), st.integers(0, 9)), max_size=60))
def test_no_order_of_events_runs_more_than_allowed_or_two_in_one(steps: list[tuple[str, int]]) -> None:
    account, running, waiting = Account(concurrency=4, memory_mb=300), [], []
    for step, number in steps:
        key, name = (A, B)[number % 2], ""
        if step == "invoke":
            name = account.invoke(key)
        elif step == "ask" and waiting:
            key = waiting.pop(0)
            name = account.ask_again(key)
        elif running and step in ("finish", "gone"):
            (account.finish if step == "finish" else account.end)(running.pop(number % len(running)))
        if name.startswith("waits"):
            waiting.append(key)
            account.end(*[idle for idle in [name.removeprefix("waits: ")] if idle != "None"])
        elif name and not name.startswith("throttled"):
            assert name not in running
            running.append(name)
        assert len(running) == account.assignment.running
        assert len(waiting) == account.assignment.waiting
        assert len(running) + len(waiting) <= 4
        assert len(list(account.assignment)) <= 3
