"""One execution environment: init, invocations one at a time, freeze in between, and its end.

What happens to it comes as callbacks from its process and its alarms, on the event loop. An invocation is recorded, and
its result set, from inside the callback that brought its end (`execution`): nothing of it runs in the caller's task, so
a caller that goes away leaves it undisturbed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from stoker.environments import outcome
from stoker.environments.execution import Execution
from stoker.environments.failures import InitFailure, Overrun
from stoker.environments.feed import EnvironmentView, Feed
from stoker.environments.idleness import Idleness
from stoker.environments.initialisation import Initialisation
from stoker.environments.job import Job, Reply
from stoker.environments.log import EnvironmentLog
from stoker.environments.origin import Origin
from stoker.environments.outcome import Outcome
from stoker.environments.process import FunctionProcess
from stoker.environments.shutdown import Reason
from stoker.environments.start import Start
from stoker.environments.state import TRANSITIONS, Event, State, after
from stoker.model.clock import Clock
from stoker.model.function import FunctionVersion
from stoker.model.invocation import Invocation, InvocationResult
from stoker.sandbox.driver import Sandbox, SandboxError

# LAMBDA.md, Lifecycle: an init that takes longer runs again within the first invocation.
INIT_LIMIT_S = 10.0
# One that no invocation waits for may take longer: so much, or the function's timeout if that is more.
PROVISIONED_INIT_LIMIT_S = 130.0
# Credentials live for 12 hours and must outlast the last invocation that begins with them.
MAX_AGE_S = 6 * 3600.0
# How those who watch hear of states, but for a start's, which has phases.
_SHOWN = {State.IDLE: "warm", State.RUNNING: "running", State.GONE: "gone"}


class EnvironmentEndedError(Exception):
    """The environment was taken down before its invocation was over, since Stoker stops."""


class EnvironmentOwner(Protocol):
    """Who has environments: the fleet."""

    def initialised(self, environment: "Environment") -> None:
        """Its init is over, and was successful."""

    def idle(self, environment: "Environment") -> None:
        """Its invocation is over, or it was warmed up; it may have the next."""

    def ended(self, environment: "Environment") -> None:
        """It failed, was idle for too long or is too old: it wants to be stopped and closed.

        Called once, and not after `stop`.
        """


class Environment:
    """`start` with its first invocation or `warm_up` without, once; then `run` whenever it is idle; in the end `stop`
    and `close`, once.
    """

    def __init__(
        self,
        *,
        function: FunctionVersion,
        log: EnvironmentLog,
        start_sandbox: Callable[[], Awaitable[Sandbox]],
        clock: Clock,
        owner: EnvironmentOwner,
        keep_warm_s: float,
        origin: Origin | None = None,
        feed: Feed | None = None,
    ) -> None:
        self.function = function
        self.origin = origin or Origin()
        self.state = State.STARTING
        # Set when a warm-up ended because the function's init failed.
        self.init_failed = False
        self._log = log
        self._start_sandbox = start_sandbox
        self._clock = clock
        self._owner = owner
        self._born = clock.monotonic()
        self._feed = feed or Feed()
        self.number = self._feed.number()
        self._start = Start(clock)
        self.invocations = 0
        self._boot: asyncio.Task[None] | None = None
        self._process: FunctionProcess | None = None
        self._ends_by = Reason.SPINDOWN
        self._execution = Execution(function, clock, log, self)
        self.idleness = Idleness(
            clock,
            log,
            keep_warm_s=keep_warm_s,
            expires=self._born + MAX_AGE_S,
            on_frozen=self._changed,
            on_over=self._waited_long_enough,
            on_broken=self._fail,
        )

    def __repr__(self) -> str:
        name = f"{self.function.name}:{self.function.version}"
        frozen = " frozen" if self._process is not None and self._process.frozen else ""
        return f"<Environment {name} {self.state}{frozen} {self.invocations} invocations>"

    def view(self) -> EnvironmentView:
        """How it stands, for those who watch the feed."""
        now, since, until = self._clock.monotonic(), self._born, None
        epoch = self._clock.time() - now
        if self.state is State.IDLE:
            since, until = self.idleness.since, self.idleness.until
        elif self.state is State.RUNNING and self._execution.job is not None:
            since = self._execution.job.started or now
        frozen = self._process is not None and self._process.frozen and self.state is State.IDLE
        return EnvironmentView(
            number=self.number,
            region=self.function.region,
            function=self.function.name,
            version=self.function.version,
            kind=self.origin.kind,
            from_template=self.origin.snapshot is not None,
            state=self._start.name or ("frozen" if frozen else _SHOWN.get(self.state, "stopping")),
            since=epoch + since,
            until=None if until is None else epoch + until,
            invocations=self.invocations,
            phases=self._start.phases,
        )

    @property
    def aged(self) -> bool:
        """It is too old for another invocation."""
        return self._clock.monotonic() - self._born >= MAX_AGE_S

    def start(self, invocation: Invocation, *, log_tail: bool = False) -> "asyncio.Future[InvocationResult]":
        """Build the sandbox, run the init, then the invocation. See `run` for the result."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[InvocationResult] = loop.create_future()
        job = self._execution.take(invocation, answer, log_tail)
        self._boot = loop.create_task(self._boot_up(job), name=f"boot {self.function.name}")
        return answer

    def warm_up(self) -> "asyncio.Task[None]":
        """Build the sandbox and run the init; the owner hears of its end. An init that fails is not tried again.

        The task raises what was not the function's fault.
        """
        self._boot = asyncio.get_running_loop().create_task(self._warm_up(), name=f"warm up {self.function.name}")
        return self._boot

    def run(self, invocation: Invocation, reply: Reply, *, log_tail: bool = False) -> None:
        """Run an invocation and tell `reply`, whom nobody else may end. An exception is a fault of ours."""
        self._begin(self._execution.take(invocation, reply, log_tail))

    def stop(self) -> None:
        """Take no more invocations and tell the owner nothing more; `close` has to follow."""
        if self.state is State.INIT and self._boot is not None:
            self._boot.cancel()
        self._move(Event.STOP)
        self._execution.stop()
        self.idleness.stop()

    async def close(self) -> None:
        """Take everything down. Raises SandboxError."""
        if self._boot is not None:
            # A sandbox that is half built is built to its end: only then can it be taken down.
            await asyncio.wait({self._boot})
        self._execution.give_up(EnvironmentEndedError(repr(self)))
        self._log.flush()
        if self._process is not None:
            await self._process.close(self._ends_by)
            self._log.flush()
        self._move(Event.CLOSED)

    # From nothing to the first invocation

    async def _boot_up(self, job: Job) -> None:
        self._log.init_started()
        try:
            failure = await self._initialise(job, INIT_LIMIT_S)
            if failure is not None:
                failure = await self._initialise_again(job, failure)
        except Exception as error:  # The boundary of this task: whoever waits for the invocation gets the error.
            self.broken(error)
            return
        if failure is None:
            self._ready()
            self._begin(job)
        else:
            self._execution.refuse(job, self._process, self._outcome_of(failure, job))

    async def _warm_up(self) -> None:
        self._log.init_started()
        try:
            failure = await self._initialise(None, max(PROVISIONED_INIT_LIMIT_S, self.function.timeout_s))
        except EnvironmentEndedError:
            return
        except Exception as error:
            self.broken(error)
            raise
        # It may be gone before it could be told to anybody but its init.
        self.init_failed = failure is not None or not (self._process and self._process.usable)
        if self.init_failed:
            self._fail()
        else:
            self._ready()
            self._rest()

    def _ready(self) -> None:
        self._move(Event.READY)
        self._owner.initialised(self)

    async def _initialise_again(self, job: Job, failure: InitFailure) -> InitFailure | None:
        """As AWS does: once more, in a new sandbox, within the invocation, whose timeout and bill begin here."""
        self._start = Start(self._clock)
        self._move(Event.RETRY)
        failed, self._process = self._process, None
        if failed is not None:
            await failed.close(Reason.TIMEOUT if isinstance(failure, Overrun) else Reason.FAILURE)
        job.started = self._clock.monotonic()
        return await self._initialise(job, self.function.timeout_s)

    async def _initialise(self, job: Job | None, limit_s: float) -> InitFailure | None:
        attempt = Initialisation(await self._start_sandbox(), self._clock, self._log, self.function)
        self._process = attempt.process
        self._start.enter("runtime" if self.origin.snapshot is None else "restore")
        attempt.process.on_import(self._importing)
        self._move(Event.STARTED)
        if self.state is State.STOPPING:
            raise EnvironmentEndedError(repr(self))
        failure = await attempt.run(limit_s)
        attempt.process.listener = self._execution
        self._start.enter(None)
        self._feed.started(start := self._start.told(self.view(), failed=failure is not None))
        if job is not None and job.invocation.trace is not None:
            phases = ((phase.name, phase.ms) for phase in start.phases)
            job.invocation.trace.started(start.began, phases, failed=start.failed)
        duration_ms, again = attempt.duration_s * 1000.0, job is not None and job.started is not None
        if job is not None and failure is None:
            job.initialised(duration_ms, restored=self.origin.restores)
        end, extensions = self._outcome_of(failure, job), attempt.process.extensions
        self._log.init_ended(duration_ms, again=again, outcome=end, extensions=extensions)
        self.origin.initialised(duration_ms, attempt.process.sandbox.cpu_s, failure)
        return failure

    def _importing(self) -> None:
        self._start.enter("import")
        if self._feed.watched:
            self._feed.mark(self)

    def _outcome_of(self, failure: InitFailure | None, job: Job | None) -> Outcome:
        request_id = job.request_id if job is not None else ""
        return outcome.of_init(failure, request_id, self.function.timeout_s, self._clock.time())

    # Invocations, and the time between them

    def _begin(self, job: Job) -> None:
        """Deliver an invocation to the process, which waits for it."""
        assert self._process is not None
        self._move(Event.ASSIGNED)
        self.invocations += 1
        now = self._clock.monotonic()
        self.idleness.end(now)
        try:
            self._execution.begin(job, self._process, now)
        except SandboxError as error:
            self.broken(error)

    def over(self, end: Outcome | None) -> None:
        """See `execution.ExecutionOwner`."""
        assert self._process is not None
        # What failed is not used again: the next invocation begins in a fresh environment, which is AWS's reset.
        if end is not None and not end.fatal and self._process.usable:
            self._move(Event.ANSWERED)
            self._rest()
        elif end is not None or self.state is State.IDLE:
            self._ends_by = Reason.TIMEOUT if end is not None and end.status == "timeout" else Reason.FAILURE
            self._fail()

    def broken(self, error: Exception) -> None:
        """See `execution.ExecutionOwner`."""
        if self.state is not State.STOPPING:
            self._ends_by = Reason.FAILURE
            self._fail()
        self._execution.give_up(error)

    def _rest(self) -> None:
        assert self._process is not None
        self.idleness.begin(self._process)
        self._owner.idle(self)

    def _waited_long_enough(self) -> None:
        self._owner.ended(self)

    def _fail(self) -> None:
        self._move(Event.FAILED)
        self._owner.ended(self)

    def _move(self, event: Event) -> None:
        self.state = TRANSITIONS.get((self.state, event)) or after(self.state, event)
        if self._feed.watched:
            self._feed.mark(self)

    def _changed(self) -> None:
        if self._feed.watched:
            self._feed.mark(self)
