"""Deployments: copies of an API, made once and never changed; and the stages that serve them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.apis import ids
from stoker.apis.errors import BadRequestException, ConflictException, NotFoundException
from stoker.apis.rest import patches
from stoker.apis.rest.accounts import require_log_role
from stoker.apis.rest.documents import Document
from stoker.apis.rest.pages import Page, page_of
from stoker.apis.rest.rest_apis import require_api
from stoker.apis.rest.stages import check_stage, new_stage, patch_stage
from stoker.model.access import Where
from stoker.model.clock import Clock
from stoker.store.store import Store
from stoker.store.tables_rest_apis import rest_apis, rest_deployments, rest_stages

_deployments = rest_deployments.c
_stages = rest_stages.c
_PATCHABLE = patches.Patchable(members={"description": patches.text}, removable=frozenset({"description"}))


class Deployments:
    """Deployments and stages in the store. `on_change` is told of every stage that changed, by API and name."""

    def __init__(self, store: Store, clock: Clock, on_change: Callable[[str, str], None]) -> None:
        self._store = store
        self._clock = clock
        self._on_change = on_change

    def __repr__(self) -> str:
        return "<Deployments>"

    async def create(self, where: Where, api_id: str, given: Mapping[str, Any]) -> Document:
        """A copy of the API as it is; if `given` names a stage, that serves it from now on, and is made if need be."""
        now, deployment_id = self._clock.time(), ids.new_part_id()
        stage_name = given.get("stageName")
        about = {key: given[key] for key in ("variables", "tracingEnabled") if given.get(key) is not None}
        if given.get("stageDescription"):
            about["description"] = given["stageDescription"]
        check_stage({**about, **_later(given)})

        def work(conn: Connection) -> Document:
            document = require_api(conn, where, api_id)
            _check_deployable(document)
            values = {"id": deployment_id, "created": now, "description": given.get("description")}
            conn.execute(sa.insert(rest_deployments).values(api_id=api_id, snapshot=document, **values))
            if stage_name:
                known = _find_stage(conn, api_id, stage_name) or new_stage(stage_name, now)
                _save_stage(
                    conn, api_id, {**known, **about, "deploymentId": deployment_id, "lastUpdatedDate": int(now)}
                )
            return _shown(deployment_id, now, given.get("description"))

        made = await self._store.write(work)
        if stage_name:
            self._on_change(api_id, stage_name)
        return made

    async def get(self, where: Where, api_id: str, deployment_id: str, *, summary: bool = False) -> Document:
        """`summary`: with the methods of each path."""

        def read(conn: Connection) -> Document:
            require_api(conn, where, api_id)
            row = _require_deployment(conn, api_id, deployment_id)
            shown = _shown(row.id, row.created, row.description)
            return {**shown, "apiSummary": _summary(row.snapshot)} if summary else shown

        return await self._store.read(read)

    async def list(self, where: Where, api_id: str, position: str | None, limit: int | None) -> Page:
        def read(conn: Connection) -> Sequence[Document]:
            require_api(conn, where, api_id)
            query = sa.select(_deployments.id, _deployments.created, _deployments.description)
            rows = conn.execute(query.where(_deployments.api_id == api_id).order_by(_deployments.created.desc()))
            return [_shown(row.id, row.created, row.description) for row in rows]

        return page_of(await self._store.read(read), position, limit)

    async def update(self, where: Where, api_id: str, deployment_id: str, operations: Any) -> Document:
        def work(conn: Connection) -> Document:
            require_api(conn, where, api_id)
            row = _require_deployment(conn, api_id, deployment_id)
            shown = _shown(row.id, row.created, row.description)
            patches.apply(shown, operations, _PATCHABLE)
            conn.execute(
                _is_deployment(sa.update(rest_deployments), api_id, row.id).values(description=shown.get("description"))
            )
            return shown

        return await self._store.write(work)

    async def delete(self, where: Where, api_id: str, deployment_id: str) -> None:
        def work(conn: Connection) -> None:
            require_api(conn, where, api_id)
            _require_deployment(conn, api_id, deployment_id)
            used = (_stages.api_id == api_id) & (_stages.deployment_id == deployment_id)
            if conn.execute(sa.select(sa.exists().where(used))).scalar():
                raise BadRequestException("Active stages pointing to this deployment must be moved or deleted")
            conn.execute(_is_deployment(sa.delete(rest_deployments), api_id, deployment_id))

        await self._store.write(work)

    async def create_stage(self, where: Where, api_id: str, given: Mapping[str, Any]) -> Document:
        now = self._clock.time()
        check_stage({**given, **_later(given)})

        def work(conn: Connection) -> Document:
            require_api(conn, where, api_id)
            _require_deployment(conn, api_id, given["deploymentId"])
            if _find_stage(conn, api_id, given["stageName"]) is not None:
                raise ConflictException("Stage already exists")
            stage = {**new_stage(given["stageName"], now), **{key: it for key, it in given.items() if it is not None}}
            _save_stage(conn, api_id, stage)
            return stage

        made = await self._store.write(work)
        self._on_change(api_id, made["stageName"])
        return made

    async def stage(self, where: Where, api_id: str, name: str) -> Document:
        def read(conn: Connection) -> Document:
            require_api(conn, where, api_id)
            return _require_stage(conn, api_id, name)

        return await self._store.read(read)

    async def deployed(self, where: Where, api_id: str, name: str) -> tuple[Document, Document]:
        """What a stage serves: the copy of the API, and the stage."""

        def read(conn: Connection) -> tuple[Document, Document]:
            require_api(conn, where, api_id)
            stage = _require_stage(conn, api_id, name)
            return _require_deployment(conn, api_id, stage["deploymentId"]).snapshot, stage

        return await self._store.read(read)

    async def stages(self, where: Where, api_id: str, deployment_id: str | None) -> Sequence[Document]:
        def read(conn: Connection) -> Sequence[Document]:
            require_api(conn, where, api_id)
            query = sa.select(_stages.document).where(_stages.api_id == api_id).order_by(_stages.name)
            if deployment_id is not None:
                query = query.where(_stages.deployment_id == deployment_id)
            return [row.document for row in conn.execute(query)]

        return await self._store.read(read)

    async def change_stage(self, where: Where, api_id: str, name: str, change: Callable[[Document], None]) -> Document:
        now = self._clock.time()

        def work(conn: Connection) -> Document:
            require_api(conn, where, api_id)
            stage = _require_stage(conn, api_id, name)
            change(stage)
            if stage.get("accessLogSettings"):
                require_log_role(conn, where.region)
            _require_deployment(conn, api_id, stage["deploymentId"])
            _save_stage(conn, api_id, {**stage, "lastUpdatedDate": int(now)})
            return stage

        stage = await self._store.write(work)
        self._on_change(api_id, name)
        return stage

    async def update_stage(self, where: Where, api_id: str, name: str, operations: Any) -> Document:
        return await self.change_stage(where, api_id, name, lambda stage: patch_stage(stage, operations))

    async def delete_stage(self, where: Where, api_id: str, name: str) -> None:
        def work(conn: Connection) -> None:
            require_api(conn, where, api_id)
            _require_stage(conn, api_id, name)
            conn.execute(_is_stage(sa.delete(rest_stages), api_id, name))

        await self._store.write(work)
        self._on_change(api_id, name)


def has_stage(conn: Connection, region: str, api_id: str, stage: str) -> bool:
    """Whether there is such a stage of a REST API, for those who map domain names to it."""
    query = sa.select(_stages.name).join(rest_apis, rest_apis.c.id == _stages.api_id)
    where = (rest_apis.c.region == region) & (_stages.api_id == api_id) & (_stages.name == stage)
    return conn.execute(query.where(where)).first() is not None


def _later(given: Mapping[str, Any]) -> Mapping[str, Any]:
    keys = ("cacheClusterEnabled", "canarySettings", "tracingEnabled")
    return {key: given[key] for key in keys if given.get(key)}


def _check_deployable(document: Document) -> None:
    methods = [it for resource in document["resources"].values() for it in resource["resourceMethods"].values()]
    if not methods:
        raise BadRequestException("The REST API doesn't contain any methods")
    if any("methodIntegration" not in method for method in methods):
        raise BadRequestException("No integration defined for method")


def _summary(snapshot: Document) -> Document:
    return {
        resource["path"]: {
            name: {"authorizationType": method["authorizationType"], "apiKeyRequired": method["apiKeyRequired"]}
            for name, method in resource["resourceMethods"].items()
        }
        for resource in snapshot["resources"].values()
        if resource["resourceMethods"]
    }


def _shown(deployment_id: str, created: float, description: str | None) -> Document:
    shown: Document = {"id": deployment_id, "createdDate": int(created)}
    return {**shown, "description": description} if description else shown


def _is_deployment(statement: Any, api_id: str, deployment_id: str) -> Any:
    return statement.where((_deployments.api_id == api_id) & (_deployments.id == deployment_id))


def _is_stage(statement: Any, api_id: str, name: str) -> Any:
    return statement.where((_stages.api_id == api_id) & (_stages.name == name))


def _require_deployment(conn: Connection, api_id: str, deployment_id: str) -> Any:
    row = conn.execute(_is_deployment(sa.select(rest_deployments), api_id, deployment_id)).first()
    if row is None:
        raise NotFoundException("Invalid Deployment identifier specified")
    return row


def _find_stage(conn: Connection, api_id: str, name: str) -> Document | None:
    row = conn.execute(_is_stage(sa.select(_stages.document), api_id, name)).first()
    return None if row is None else row.document


def _require_stage(conn: Connection, api_id: str, name: str) -> Document:
    stage = _find_stage(conn, api_id, name)
    if stage is None:
        raise NotFoundException("Invalid stage identifier specified")
    return stage


def _save_stage(conn: Connection, api_id: str, stage: Document) -> None:
    name = stage["stageName"]
    values = {"deployment_id": stage["deploymentId"], "document": stage}
    updated = conn.execute(_is_stage(sa.update(rest_stages), api_id, name).values(**values))
    if not updated.rowcount:
        conn.execute(sa.insert(rest_stages).values(api_id=api_id, name=name, **values))
