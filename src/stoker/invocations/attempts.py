"""One run of an event, or the reason why there is none, and what becomes of the event by it."""

import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from stoker.deliveries.delivery import Delivery
from stoker.environments.job import Reply
from stoker.invocations import dead_letters, destinations, retries
from stoker.invocations.async_event import AsyncEvent, HeldEvent
from stoker.invocations.dead_letters import DeadEvent
from stoker.invocations.request_id import RequestIds
from stoker.invocations.retries import SUCCESS, Over, RetryPolicy, Settlement
from stoker.model.arn import function_arn
from stoker.model.clock import Clock
from stoker.model.errors import ServiceError
from stoker.model.invocation import InvocationResult, InvokeRequest, Target

log = logging.getLogger(__name__)

# Whether a role may do an action to a resource.
RoleMay = Callable[[str, str, str], Awaitable[bool]]
# Told of an event's region and function, and how many seconds ago it was accepted.
EventListener = Callable[[str, str, float], None]


async def may_everything(_role_arn: str, _action: str, _resource: str) -> bool:
    """Hold no role to its policies."""
    return True


class CanInvoke(Protocol):
    """What this needs of `invocations.Invoker`."""

    def known(self, request: InvokeRequest) -> Target | None: ...

    async def check(self, request: InvokeRequest) -> Target: ...

    async def invoke(self, request: InvokeRequest) -> InvocationResult: ...

    def begin(self, request: InvokeRequest, reply: Reply) -> bool: ...


class Attempted(Struct, frozen=True, kw_only=True):
    """An event, what becomes of it and, if that is its end, what goes to its destination.

    That is an event for a function and a delivery for everything else. A dead letter waits for the function's queue,
    which is looked up when the event is settled.
    """

    event: AsyncEvent
    settlement: Settlement
    delivery: AsyncEvent | None = None
    outgoing: Delivery | None = None
    dead_letter: DeadEvent | None = None

    @property
    def may_deliver(self) -> bool:
        """Whether settling it may put something into the outbox."""
        return self.outgoing is not None or self.dead_letter is not None

    @property
    def tells(self) -> bool:
        """Whether somebody may be told of its end."""
        return self.delivery is not None or self.may_deliver

    @property
    def is_quiet(self) -> bool:
        """Whether it is over, and nobody is told."""
        return isinstance(self.settlement, Over) and not self.tells


class Attempts:
    """Runs events through the invoker. `is_stopped(region, function)` says whether nothing of a function may run.

    `role_may` is asked before a function's role calls the function that is its destination.
    """

    def __init__(
        self,
        *,
        account: str,
        invoker: CanInvoke,
        clock: Clock,
        policy: RetryPolicy,
        is_stopped: Callable[[str, str], bool],
        role_may: RoleMay = may_everything,
    ) -> None:
        self._account = account
        self._role_may = role_may
        self._invoker = invoker
        self._clock = clock
        self._policy = policy
        self._is_stopped = is_stopped
        self._request_ids = RequestIds()
        # Each is told when an event is about to run, at its first attempt and at the others; quick, and raises nothing.
        self.listeners: list[EventListener] = []

    async def run(self, held: HeldEvent) -> Attempted:
        """Run one event, unless it is too late for it or its function is stopped. Raises nothing of the function's."""
        settlement = await self._settlement(held)
        if not isinstance(settlement, Over):
            return Attempted(event=held.event, settlement=settlement)
        attempted = self._ended(held, settlement)
        delivery = attempted.delivery
        if delivery is not None and not await self._may_call(held.event, delivery):
            log.warning(
                "event %s of %s: its role may not call its destination", held.event.request_id, delivery.function
            )
            return replace(attempted, delivery=None)
        return attempted

    def begin(self, held: HeldEvent, tell: Callable[[Attempted], None]) -> bool:
        """Run one event as `run` does, without a task of its own, and tell what becomes of it, maybe at once.

        False: nothing has happened. It is so for what does not run any more, where there is no idle environment, and
        where a destination is a function, since who may call that has to be asked.
        """
        event, config, now = held.event, held.config, self._clock.time()
        stopped = self._is_stopped(event.region, event.function)
        if retries.before_run(event, config, self._policy, now, stopped=stopped) is not None:
            return False
        if destinations.calls_function(config):
            return False
        try:
            if not self._invoker.begin(event.request(), _Running(self, held, tell)):
                return False
        except Exception as error:  # The boundary of an event.
            tell(self.after_refusal(held, error))
        for listener in self.listeners:
            listener(event.region, event.function, now - event.accepted_at)
        return True

    def after_run(self, held: HeldEvent, result: InvocationResult) -> Attempted:
        """What becomes of an event that ran, but for whether it may call its destination."""
        now = self._clock.time()
        return self._attempted(held, retries.after_run(held.event, result, held.config, self._policy, now))

    def after_refusal(self, held: HeldEvent, error: Exception) -> Attempted:
        """The same of one that could not run."""
        return self._attempted(held, self._refused(held, error))

    def _attempted(self, held: HeldEvent, settlement: Settlement) -> Attempted:
        if isinstance(settlement, Over):
            return self._ended(held, settlement)
        return Attempted(event=held.event, settlement=settlement)

    def _ended(self, held: HeldEvent, over: Over) -> Attempted:
        """An event that is over, and what goes to its destination."""
        if over.condition == SUCCESS and held.config.on_success is None:
            return Attempted(event=held.event, settlement=over)
        now = self._clock.time()
        return Attempted(
            event=held.event,
            settlement=over,
            delivery=destinations.delivery(
                held.event, over, held.config, account=self._account, request_id=self._request_ids.new(), now=now
            ),
            outgoing=destinations.outgoing(held.event, over, held.config, account=self._account, now=now),
            dead_letter=dead_letters.of(held.event, over, account=self._account),
        )

    def _refused(self, held: HeldEvent, error: Exception) -> Settlement:
        event = held.event
        if not isinstance(error, ServiceError):
            # The boundary of an event: a fault of ours is told here, once, and its event gets another chance.
            log.error("event %s of %s could not run", event.request_id, event.function, exc_info=error)
        return retries.after_refusal(event, error, held.config, self._policy, self._clock.time())

    async def _may_call(self, event: AsyncEvent, destination: AsyncEvent) -> bool:
        """Whether the role of an event's function may call the destination."""
        try:
            function = (await self._invoker.check(event.request())).function
        except ServiceError:
            return False
        arn = function_arn(destination.region, self._account, destination.function, destination.qualifier)
        return await self._role_may(function.role, "lambda:InvokeFunction", arn)

    async def _settlement(self, held: HeldEvent) -> Settlement:
        event, config, policy = held.event, held.config, self._policy
        stopped = self._is_stopped(event.region, event.function)
        now = self._clock.time()
        over = retries.before_run(event, config, policy, now, stopped=stopped)
        if over is not None:
            return over
        for listener in self.listeners:
            listener(event.region, event.function, now - event.accepted_at)
        try:
            result = await self._invoker.invoke(event.request())
        except Exception as error:  # The boundary of an event.
            return self._refused(held, error)
        return retries.after_run(event, result, config, policy, self._clock.time())


class _Running:
    """The reply of an event's run that no task waits for. As of a future, only the first word counts."""

    __slots__ = ("_attempts", "_held", "_is_told", "_tell")

    def __init__(self, attempts: Attempts, held: HeldEvent, tell: Callable[[Attempted], None]) -> None:
        self._attempts = attempts
        self._held = held
        self._tell = tell
        self._is_told = False

    def done(self) -> bool:
        return self._is_told

    def set_result(self, result: InvocationResult, /) -> None:
        self._is_told = True
        self._tell(self._attempts.after_run(self._held, result))

    def set_exception(self, error: Exception, /) -> None:
        self._is_told = True
        self._tell(self._attempts.after_refusal(self._held, error))
