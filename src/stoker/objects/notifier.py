"""Tells of what happened, in the transaction in which it does: what was acknowledged is told, also after a crash."""

import uuid
from typing import Protocol

from sqlalchemy import Connection

from stoker.deliveries.delivery import DeadLetter, Delivery, Retry
from stoker.objects import events
from stoker.objects.bucket import Bucket
from stoker.objects.events import Happening
from stoker.objects.notifications import NotificationRules, wanted

CALLER = "s3.amazonaws.com"
NOTIFICATION = "notification"


class Puts(Protocol):
    """What this needs of `deliveries.Outbox`."""

    def put(
        self,
        conn: Connection,
        delivery: Delivery,
        *,
        now: float,
        retry: Retry | None = None,
        dead_letter: DeadLetter | str | None = None,
    ) -> None: ...

    def wake(self) -> None: ...


class Notifier:
    """Puts deliveries into the outbox, by a bucket's configuration."""

    def __init__(self, outbox: Puts, account: str) -> None:
        self._outbox = outbox
        self._account = account
        self.told = 0
        """How many deliveries were put so far, counted by the writer's thread."""

    def note(self, conn: Connection, bucket: Bucket, happening: Happening) -> None:
        """Something is done to an object in this transaction; `wake` follows its commit."""
        document = bucket.settings.get(NOTIFICATION)
        if document is None:
            return
        rules = NotificationRules.read(document)
        for each in wanted(rules.destinations, happening.event, happening.version.key):
            body = events.message(happening, bucket, self._account, each.id)
            self._put(conn, bucket, each.target, body, happening)
        if rules.event_bus:
            bus = f"arn:aws:events:{bucket.region}:{self._account}:event-bus/default"
            # The transaction may run again; the event's name is the same then for the same change of the object.
            name = f"{bucket.id}/{happening.version.key}/{happening.version.sequencer}/{happening.event}"
            body = events.bus_event(happening, bucket, self._account, str(uuid.uuid5(uuid.NAMESPACE_URL, name)))
            self._put(conn, bucket, bus, body, happening)

    def wake(self) -> None:
        self._outbox.wake()

    def delivery(self, bucket: Bucket, target: str, body: bytes, trace_id: str | None = None) -> Delivery:
        """A message of a bucket to a destination. It goes on with a chain, by which loops of functions are found."""
        return Delivery(
            target=target,
            body=body,
            caller=CALLER,
            source_arn=bucket.arn,
            region=bucket.region,
            account=self._account,
            trace_id=trace_id,
        )

    def _put(self, conn: Connection, bucket: Bucket, target: str, body: bytes, happening: Happening) -> None:
        self._outbox.put(conn, self.delivery(bucket, target, body, happening.actor.trace_id), now=happening.at)
        self.told += 1
