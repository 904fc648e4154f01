"""All environments of this process: acts on what `assignment.py` decides, lets go what is stale or not needed."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Protocol

from stoker.environments.admission import ACCOUNT_LIMIT, Admission
from stoker.environments.assignment import Assignment, EnvironmentKey, Idle, New, Throttle, Wait
from stoker.environments.environment import Environment
from stoker.environments.feed import Feed
from stoker.environments.job import Reply
from stoker.environments.maker import DriverFor, EnvironmentMaker, Mint
from stoker.environments.variables import ON_DEMAND, PROVISIONED
from stoker.environments.waiting import Answer, Waiter, WaitingLine, pass_on
from stoker.functions.registry import Registry
from stoker.functions.reservations import FunctionKey, Reservations
from stoker.functions.runtimes import RuntimeCatalogue
from stoker.model.alarm import Alarm
from stoker.model.clock import Clock
from stoker.model.errors import TooManyRequestsException
from stoker.model.function import FunctionVersion
from stoker.model.invocation import Invocation
from stoker.observability.telemetry import Telemetry

# The longest timeout that a function can have: what runs may finish.
DRAIN_LIMIT_S = 900.0


class FleetClosedError(Exception):
    """Stoker stops: no new invocation begins."""


class ProvisionedOwner(Protocol):
    """Who asked for a provisioned environment."""

    def ready(self, environment: Environment) -> None:
        """It is initialised."""

    def gone(self, environment: Environment) -> None:
        """It takes no more invocations: it failed, became too old, or was dismissed."""


class Fleet:
    """Starts, reuses and closes environments. Belongs to the event loop's thread.

    `mint(function)` gives a function's credentials, `driver_for` its sandbox driver. `reservations` say
    how many invocations may run at once, `spare_mb` what memory new environments may take now; `shed` lets something go
    that sandboxes were to be made from, and says whether there was anything. `template_budget_mb` is what all templates
    together may have, 0 is none.
    """

    def __init__(
        self,
        *,
        registry: Registry,
        runtimes: RuntimeCatalogue,
        driver_for: DriverFor,
        telemetry: Telemetry,
        clock: Clock,
        mint: Mint,
        endpoint_url: str,
        reservations: Reservations,
        keep_warm_s: float,
        spare_mb: Callable[[], float],
        shed: Callable[[], bool] = lambda: False,
        template_budget_mb: float = 0.0,
    ) -> None:
        self._clock = clock
        self._shed = shed
        self.feed = Feed()
        self._maker = EnvironmentMaker(
            registry=registry,
            runtimes=runtimes,
            driver_for=driver_for,
            telemetry=telemetry,
            clock=clock,
            mint=mint,
            endpoint_url=endpoint_url,
            keep_warm_s=keep_warm_s,
            template_budget_mb=template_budget_mb,
            feed=self.feed,
        )
        self.templates = self._maker.templates
        self._assignment: Assignment[Environment] = Assignment(admission=Admission(reservations), spare_mb=spare_mb)
        self._waiting = WaitingLine(clock, self._serve_waiter, self._give_up_waiter)
        self._stale: set[Environment] = set()
        self._provisioned: dict[Environment, ProvisionedOwner] = {}
        self._closings: set[asyncio.Task[None]] = set()
        self._drained: asyncio.Future[None] | None = None
        registry.on_change(self.retire)
        registry.on_change(self.templates.retire)

    def __repr__(self) -> str:
        return f"<Fleet {self._assignment!r}>"

    @property
    def environments(self) -> list[Environment]:
        """Those that are alive; each says in its `repr` how it is."""
        return list(self._assignment)

    @property
    def is_busy(self) -> bool:
        """Whether an invocation runs or waits for memory."""
        return self._assignment.running > 0 or bool(self._waiting)

    def running_by_function(self) -> Mapping[FunctionKey, int]:
        """How many invocations of each function run."""
        return self._assignment.running_by_function()

    def run(self, function: FunctionVersion, invocation: Invocation, *, log_tail: bool = False) -> Answer:
        """Run an invocation in an environment of this function: an idle one, or else a new one.

        Raises TooManyRequestsException if a limit is reached; the result is one where memory was short for too long.
        Cancelling the result does not end an invocation that has begun.
        """
        if self._drained is not None:
            raise FleetClosedError
        key = EnvironmentKey.of(function)
        decision = self._assignment.assign(key, function.memory_mb, self._clock.monotonic())
        if isinstance(decision, Idle):
            return _run_in(decision.environment, invocation, log_tail=log_tail)
        if isinstance(decision, Throttle):
            raise self._throttled(function, decision.reason)
        if isinstance(decision, New):
            return self._start(key, function, invocation, log_tail=log_tail)
        self._make_room(decision.let_go)
        return self._waiting.join(function, invocation, log_tail=log_tail)

    def wake(self, function: FunctionVersion) -> None:
        """Where nothing runs, have whoever would take an invocation of it look out for one."""
        if not self._assignment.running and (idle := self._assignment.next_idle(EnvironmentKey.of(function))):
            idle.idleness.wake()

    def run_idle(self, function: FunctionVersion, invocation: Invocation, reply: Reply) -> bool:
        """Run an invocation now, in an idle environment, and tell `reply` what became of it; False: `run` has to."""
        if self._drained is not None:
            return False
        environment = self._assignment.take_idle(EnvironmentKey.of(function), self._clock.monotonic())
        if environment is not None:
            environment.run(invocation, reply)
        return environment is not None

    def provision(self, function: FunctionVersion, owner: ProvisionedOwner) -> Environment | None:
        """Start an environment that waits for invocations from its init on and is not let go when it is idle.

        None if there is no memory for it now; an idle environment is let go then, so that there may be soon.
        """
        room = self._assignment.room(function.memory_mb)
        if self._drained is not None or isinstance(room, Wait):
            if isinstance(room, Wait) and not self._closings:
                self._make_room(room.let_go)
            return None
        environment = self._maker.make(function, self, PROVISIONED)
        self._assignment.started(EnvironmentKey.of(function), environment, function.memory_mb, provisioned=True)
        self._provisioned[environment] = owner
        environment.warm_up().add_done_callback(_report_failure)
        return environment

    def dismiss(self, environment: Environment) -> None:
        """Let an environment go: now if it is idle, else when it has finished. One that is gone is no error."""
        if environment not in self._assignment:
            return
        if self._assignment.is_running(environment):
            self._stale.add(environment)
        else:
            self._let_go(environment)

    def retire(self, region: str, name: str) -> None:
        """A function changed or is gone: its environments go, but for provisioned ones, which have an owner."""
        for environment in self._assignment.on_demand_of(region, name):
            self.dismiss(environment)

    async def close(self, *, limit_s: float = DRAIN_LIMIT_S) -> None:
        """Let what runs finish, for so long at most, then take everything down."""
        self._drained = asyncio.get_running_loop().create_future()
        alarm = Alarm(self._clock, self._finish_draining)
        alarm.set(self._clock.monotonic() + limit_s)
        self._look_whether_drained()
        await self._drained
        alarm.stop()
        self._waiting.disperse()
        await self.templates.close()
        for environment in self._assignment:
            self._let_go(environment)
        while self._closings:
            await asyncio.wait(self._closings)

    # What environments tell their owner

    def initialised(self, environment: Environment) -> None:
        self._assignment.initialised(environment)
        origin = environment.origin
        if origin.ordinary_ms is not None:
            self.templates.consider(environment.function, origin.ordinary_ms, origin.cpu_s)
        self._waiting.look_soon()
        owner = self._provisioned.get(environment)
        if owner is not None:
            owner.ready(environment)

    def idle(self, environment: Environment) -> None:
        used_up = environment.origin.single_use and environment.invocations
        if environment in self._stale or environment.aged or used_up:
            self._let_go(environment)
        else:
            self._assignment.released(environment)
        self._waiting.look_soon()
        if self._drained is not None:
            self._look_whether_drained()

    def ended(self, environment: Environment) -> None:
        self._let_go(environment)
        self._look_whether_drained()

    def _make_room(self, idle: Environment | None) -> None:
        """Memory is short: what was made ahead goes, else a template, else the environment that was idle longest."""
        if not self._shed() and not self.templates.make_room() and idle is not None:
            self._let_go(idle)

    def _let_go(self, environment: Environment) -> None:
        self._stale.discard(environment)
        self._assignment.gone(environment)
        environment.stop()
        self._spawn(environment.close(), f"close {environment!r}")
        owner = self._provisioned.pop(environment, None)
        if owner is not None:
            owner.gone(environment)

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._closings.add(task)
        task.add_done_callback(self._closed)

    def _closed(self, task: "asyncio.Task[None]") -> None:
        self._closings.discard(task)
        self._waiting.look_soon()
        _report_failure(task)

    def _look_whether_drained(self) -> None:
        if self._drained is not None and not self.is_busy:
            self._finish_draining()

    def _finish_draining(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    # Those that wait for memory

    def _serve_waiter(self, waiter: Waiter, first: bool) -> bool:
        function = waiter.function
        key = EnvironmentKey.of(function)
        decision = self._assignment.reassign(key, function.memory_mb, self._clock.monotonic(), first=first)
        if isinstance(decision, Wait):
            # What is being taken down makes room: only when that was not enough the next one has to go.
            if not self._closings:
                self._make_room(decision.let_go)
            return False
        try:
            pass_on(self._run_waiter(key, waiter, decision), waiter.answer)
        except Exception as error:  # Whoever waits for the invocation gets the error.
            waiter.answer.set_exception(error)
        return True

    def _run_waiter(self, key: EnvironmentKey, waiter: Waiter, decision: Idle[Environment] | New | Throttle) -> Answer:
        if isinstance(decision, Throttle):
            raise self._throttled(waiter.function, decision.reason)
        if isinstance(decision, Idle):
            return _run_in(decision.environment, waiter.invocation, log_tail=waiter.log_tail)
        return self._start(key, waiter.function, waiter.invocation, log_tail=waiter.log_tail)

    def _give_up_waiter(self, waiter: Waiter) -> None:
        self._assignment.abandon(EnvironmentKey.of(waiter.function))
        if not waiter.answer.done():
            waiter.answer.set_exception(self._throttled(waiter.function, ACCOUNT_LIMIT))
        self._look_whether_drained()

    def _throttled(self, function: FunctionVersion, reason: str) -> TooManyRequestsException:
        self.feed.throttled(function.region, function.name)
        return TooManyRequestsException(Reason=reason, Type="User")

    # New environments

    def _start(
        self, key: EnvironmentKey, function: FunctionVersion, invocation: Invocation, *, log_tail: bool
    ) -> Answer:
        """Start the environment that was decided on."""
        try:
            environment = self._maker.make(function, self, ON_DEMAND)
        except BaseException:
            self._assignment.not_started(key)
            raise
        self._assignment.started(key, environment, function.memory_mb)
        return environment.start(invocation, log_tail=log_tail)


def _run_in(environment: Environment, invocation: Invocation, *, log_tail: bool) -> Answer:
    answer: Answer = asyncio.get_running_loop().create_future()
    environment.run(invocation, answer, log_tail=log_tail)
    return answer


def _report_failure(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and task.exception() is not None:
        # Nobody waits for it, and an environment that could not be built or taken down is an operator's business.
        context = {"message": f"failed to {task.get_name()}", "exception": task.exception(), "task": task}
        asyncio.get_running_loop().call_exception_handler(context)
