"""IAM's memory: changes go through the store, and what is asked is answered by the directory. Read this first."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.identity import rows
from stoker.identity.aws_policies import load_aws_policies
from stoker.identity.directory import Directory, texts_of
from stoker.identity.documents import DocumentKind
from stoker.identity.draft import Change, Draft
from stoker.identity.entities import AccessKey, Entity, Group, ManagedPolicy, OidcProvider, Role, User
from stoker.identity.errors import MalformedPolicyDocumentError
from stoker.identity.sealing import Seal
from stoker.identity.signers import Signers
from stoker.model.clock import Clock
from stoker.store.store import Store

log = logging.getLogger(__name__)

T = TypeVar("T")

# How long another Stoker on the same database may go on deciding by what was true before a change.
FOLLOW_S = 2.0
WRITE_USES_S = 60.0


class Identities:
    """Who there is in one account. `open_identities` makes it; `close` writes down when keys were last used."""

    def __init__(self, *, store: Store, clock: Clock, directory: Directory, seal: Seal) -> None:
        self.directory = directory
        self.seal = seal
        self.signers = Signers(directory, seal)
        self._store = store
        self._clock = clock

    def __repr__(self) -> str:
        return f"<Identities {self.directory!r}>"

    async def change(self, work: Callable[[Draft], T]) -> T:
        """What `work` returns; when this does, its changes are on the disk and everybody here decides by them."""
        now = self._clock.time()

        def write(conn: Connection) -> tuple[T, Sequence[Change], int]:
            draft = Draft(
                conn,
                account=self.directory.account,
                now=now,
                aws=self.directory.aws,
                parse=self.directory.parse,
            )
            value = work(draft)
            return value, draft.changes, rows.next_revision(conn) if draft.changes else 0

        value, changes, revision = await self._store.write(write)
        if changes:
            self.directory.apply(changes, revision)
            self.signers.forget()
        return value

    async def follow(self) -> None:
        """Take over what other Stokers on the same database have changed, if anything."""
        revision = await self._store.read(rows.revision)
        if revision != self.directory.known:
            await self.load()

    async def load(self) -> None:
        """Take over all that the store holds."""
        entities, revision = await self._store.read(self._read)
        if self.directory.fill(entities, revision):
            self.signers.forget()

    async def run(self, *, shared: bool) -> None:
        """Until cancelled: write down when keys were used and, where the store is `shared`, follow what others change.

        The database being out of reach for a while ends neither.
        """
        passed = 0.0
        while True:
            await asyncio.sleep(FOLLOW_S)
            passed += FOLLOW_S
            try:
                if shared:
                    await self.follow()
                if passed >= WRITE_USES_S:
                    passed = 0.0
                    await self.write_uses()
            except Exception as error:
                # The boundary of a task that nobody waits for: whoever is let in depends on its going on.
                expected = isinstance(error, sa.exc.SQLAlchemyError)
                about = "identities could not be brought up to date, and will be tried again: %s"
                log.warning(about, error, exc_info=None if expected else error)

    async def write_uses(self) -> None:
        uses = self.signers.take_uses()
        if uses:
            await self._store.write(lambda conn: rows.note_uses(conn, uses))

    def _read(self, conn: Connection) -> tuple[Sequence[Entity], int]:
        revision, account = rows.revision(conn), self.directory.account
        keys = rows.read_all(conn, AccessKey, account)
        entities: list[Entity] = [
            *rows.read_all(conn, User, account),
            *rows.read_all(conn, Group, account),
            *rows.read_all(conn, Role, account),
            *rows.read_all(conn, ManagedPolicy, account),
            *rows.read_all(conn, OidcProvider, account),
            *keys,
        ]
        for entity in entities:
            for text in texts_of(entity):
                # One that an older release took and this one does not opens nothing to whom it is attached.
                with contextlib.suppress(MalformedPolicyDocumentError):
                    self.directory.parse(text, DocumentKind.IDENTITY)
        if keys:
            self.seal.prepare()
        return entities, revision


async def open_identities(*, account: str, store: Store, clock: Clock, key: bytes) -> Identities:
    """What the store knows of an account. `key` (32 bytes) seals users' secrets."""
    aws = await asyncio.to_thread(load_aws_policies)
    identities = Identities(store=store, clock=clock, directory=Directory(account, aws), seal=Seal(key))
    await identities.load()
    return identities
