"""REST APIs towards the front door: which there are, and the stage that a request is for.

What a stage serves is read when it is first asked for and kept until it changes.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.apis.request import ApiRequest
from stoker.apis.rest.authorization import Authorization
from stoker.apis.rest.blueprint import Blueprint
from stoker.apis.rest.documents import Document
from stoker.apis.rest.execution import Execution, forbidden
from stoker.model.clock import Clock
from stoker.model.http_event import HttpAnswer
from stoker.store.store import Store
from stoker.store.tables_rest_apis import rest_apis, rest_deployments, rest_stages

# A blueprint takes some ten KB.
KEPT = 1_000
# How long another Stoker on the same database may go on with what was true before a change.
FOLLOW_S = 2.0


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """What a stage serves, None if it is not there; read at a moment (seconds)."""

    blueprint: Blueprint | None
    at: float


class RestHost:
    """An `apis.request.ApiHost`."""

    def __init__(
        self, *, store: Store, account: str, clock: Clock, execution: Execution, authorization: Authorization
    ) -> None:
        self._store = store
        self._account = account
        self._clock = clock
        self._execution = execution
        self._authorization = authorization
        self._regions: dict[str, tuple[str, bool]] = {}
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self._changes = 0
        self._loaded = 0.0

    def __repr__(self) -> str:
        return f"<RestHost {len(self._regions)} APIs, {len(self._kept)} stages in memory>"

    async def load(self) -> None:
        """Know which APIs there are. Asked again every other second where other Stokers may make some."""
        closed = rest_apis.c.document[("api", "disableExecuteApiEndpoint")].as_boolean()
        query = sa.select(rest_apis.c.id, rest_apis.c.region, closed.label("closed"))
        self._loaded = self._clock.time()
        found = await self._store.read(lambda conn: conn.execute(query).all())
        self._regions = {row.id: (row.region, not row.closed) for row in found}

    def note(self, region: str, document: Document) -> None:
        """An API was made or changed."""
        self._regions[document["api"]["id"]] = (region, _is_open(document))

    def forget_api(self, api_id: str) -> None:
        self._regions.pop(api_id, None)
        for key in [key for key in self._kept if key[0] == api_id]:
            self.forget_stage(*key)

    def forget_stage(self, api_id: str, stage: str) -> None:
        self._changes += 1
        self._kept.pop((api_id, stage), None)
        self._authorization.forget(api_id, stage)

    async def region_of(self, api_id: str) -> str | None:
        """See ApiHost."""
        if self._store.is_shared and self._clock.time() - self._loaded > FOLLOW_S:
            await self.load()
        found = self._regions.get(api_id)
        return None if found is None else found[0]

    async def answer(self, request: ApiRequest) -> HttpAnswer:
        """See ApiHost. Of what is not there, and of an API that does not answer at its own address, AWS says 403."""
        call = request.call
        stage, path = call.stage, call.path.removeprefix(call.base_path) or "/"
        if stage is None:
            if not call.by_path and not self._regions.get(call.api_id, ("", False))[1]:
                return forbidden()
            stage, _, rest = call.path[1:].partition("/")
            path = f"/{rest}"
        blueprint = await self._blueprint(call.api_id, stage, request.region)
        if blueprint is None:
            return forbidden()
        return await self._execution.answer(request, blueprint, path, call.path)

    async def _blueprint(self, api_id: str, stage: str, region: str) -> Blueprint | None:
        known, now = self._kept.get((api_id, stage)), self._clock.time()
        if known is not None and (not self._store.is_shared or now - known.at < FOLLOW_S):
            self._kept.move_to_end((api_id, stage))
            return known.blueprint
        changes = self._changes
        found = await self._store.read(lambda conn: _read(conn, api_id, stage))
        blueprint = None
        if found is not None:
            blueprint = await asyncio.to_thread(Blueprint, *found, region=region, account=self._account)
        if changes == self._changes and blueprint is not None:
            self._kept[api_id, stage] = _Kept(blueprint=blueprint, at=now)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return blueprint


def _is_open(document: Document) -> bool:
    return not document["api"].get("disableExecuteApiEndpoint")


def _read(conn: Connection, api_id: str, stage: str) -> tuple[Document, Document] | None:
    where = (rest_stages.c.api_id == api_id) & (rest_stages.c.name == stage)
    row = conn.execute(sa.select(rest_stages.c.document).where(where)).first()
    if row is None:
        return None
    where = (rest_deployments.c.api_id == api_id) & (rest_deployments.c.id == row.document["deploymentId"])
    snapshot = conn.execute(sa.select(rest_deployments.c.snapshot).where(where)).scalar_one()
    return snapshot, row.document
