"""The outbox: deliveries that are put in their sender's own transaction and then made, at least once."""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import Connection

from stoker.deliveries import outbox_rows
from stoker.deliveries.delivery import DeadLetter, Delivery, Retry
from stoker.deliveries.leased_work import LeasedWork
from stoker.deliveries.outbox_rows import OutboxTable
from stoker.deliveries.outcomes import Delivered, Outcome, Outgoing, after_failure, is_passing
from stoker.deliveries.pacing import Pacing
from stoker.deliveries.targets import Targets
from stoker.model.clock import Clock
from stoker.model.errors import ServiceError
from stoker.store.store import Store

# Between services deliveries wait for the store only, and none of them computes.
AT_ONCE = 128
# An endpoint somewhere may take its time. Those that do must not keep all the others waiting: so they are apart.
OUTSIDE_AT_ONCE = 32
DRAIN_LIMIT_S = 30.0

log = logging.getLogger(__name__)


class Outbox:
    """Delivers what was put. `start` first, `close` at the end; on the event loop's thread, but for `put`.

    `owner` names whose leases these are, the same after a restart: several Stokers may share one database.
    """

    def __init__(
        self,
        *,
        store: Store,
        targets: Targets,
        clock: Clock,
        owner: str,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._targets = targets
        self._clock = clock
        self._jitter = jitter
        self._dropped: list[Callable[[Delivery], None]] = []
        # From the first one on, set in the writer's thread: until then nobody pays for looking.
        self._has_outside = False

        def half(name: str, at_once: int, *, outside: bool) -> LeasedWork[Outgoing, Outcome]:
            return LeasedWork(
                name=name,
                table=OutboxTable(outside=outside),
                do=self._deliver,
                store=store,
                clock=clock,
                owner=owner,
                pacing=Pacing(most=at_once, young=at_once),
                on_settled=self._settled,
            )

        self._inside = half("outbox", AT_ONCE, outside=False)
        self._outside = half("outbox to outside", OUTSIDE_AT_ONCE, outside=True)

    def __repr__(self) -> str:
        return f"<Outbox {self._inside!r} {self._outside!r}>"

    def put(
        self,
        conn: Connection,
        delivery: Delivery,
        *,
        now: float,
        retry: Retry | None = None,
        dead_letter: DeadLetter | str | None = None,
    ) -> None:
        """Add a delivery to the caller's own transaction, which calls `wake` once it is committed.

        `now` is in seconds since the epoch. A dead-letter queue can be given as its ARN.
        """
        self._has_outside |= delivery.is_outside
        letter = DeadLetter(queue=dead_letter) if isinstance(dead_letter, str) else dead_letter
        outbox_rows.put(conn, delivery, now=now, retry=retry or Retry(), dead_letter=letter)

    def listen_to_losses(self, listener: Callable[[Delivery], None]) -> None:
        """Have each delivery told that is given up; the listener must be quick and not raise."""
        self._dropped.append(listener)

    def wake(self) -> None:
        """Something was put and is committed."""
        self._inside.note_due(self._clock.time())
        if self._has_outside:
            self._outside.note_due(self._clock.time())

    async def depths(self) -> Mapping[bool, int]:
        """How many deliveries are not made yet, in the whole database: those that leave Stoker (True), and others."""
        return await self._store.read(outbox_rows.count)

    async def start(self) -> None:
        """Take back what was on its way when Stoker died, and begin."""
        for half in (self._inside, self._outside):
            await half.start()

    async def close(self, *, limit_s: float = DRAIN_LIMIT_S) -> None:
        """Begin nothing more, and let what is on its way arrive, for so long at most."""
        await asyncio.gather(*(half.close(limit_s=limit_s) for half in (self._inside, self._outside)))

    def _settled(self, done: Sequence[Outcome]) -> None:
        """The dead letters of one half are the other half's to deliver."""
        if any(isinstance(outcome, Delivered) and outcome.dead_letter is not None for outcome in done):
            self._inside.note_due(self._clock.time())

    async def _deliver(self, outgoing: Outgoing) -> Outcome:
        try:
            await self._targets.deliver(outgoing.delivery)
        except Exception as error:
            # The boundary of a delivery: what its target's service says decides what becomes of it.
            if not isinstance(error, ServiceError):
                log.exception("delivery %d to %s failed", outgoing.id, outgoing.delivery.target)
            outcome = after_failure(outgoing, error, now=self._clock.time(), jitter=self._jitter())
            _tell(outgoing, error, outcome)
            if isinstance(outcome, Delivered):
                for listener in self._dropped:
                    listener(outgoing.delivery)
            return outcome
        return Delivered(id=outgoing.id, lane=outgoing.lane)


def _tell(outgoing: Outgoing, error: Exception, outcome: Outcome) -> None:
    """What is given up and has no dead-letter queue is gone: the operator hears of it."""
    if isinstance(outcome, Delivered) and outcome.dead_letter is None:
        kept = "every retry" if is_passing(error) else "it cannot be delivered"
        delivery = outgoing.delivery
        log.warning("delivery from %s to %s dropped (%s): %s", delivery.source_arn, delivery.target, kept, error)
