"""API keys, and the plans that say which stages they open, how often and how fast. In the store."""

import secrets
import string
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection

from stoker.apis import ids
from stoker.apis.errors import BadRequestException, ConflictException, NotFoundException
from stoker.apis.rest import patches
from stoker.apis.rest.belongings import Belongings
from stoker.apis.rest.documents import Document
from stoker.apis.rest.pages import Page, page_of
from stoker.apis.rest.plan_rules import PLAN_PATCHABLE, check_plan, patch_stages
from stoker.model.clock import Clock
from stoker.store.store import Store

MIN_VALUE, MAX_VALUE, NEW_VALUE = 20, 128, 40
_VALUE_ALPHABET = string.ascii_letters + string.digits

T = TypeVar("T")

KEYS = Belongings("key", "Invalid API Key identifier specified", lambda key: key["value"])
PLANS = Belongings("plan", "Invalid Usage Plan ID specified")
PLAN_KEYS = Belongings("plan-key", "Invalid API Key identifier specified")
_KEY_PATCHABLE = patches.Patchable(
    members={
        "name": patches.text,
        "description": patches.text,
        "enabled": patches.boolean,
        "customerId": patches.text,
    },
    removable=frozenset({"description", "customerId"}),
)


class UsagePlans:
    """Keys and plans of all regions. `changes` counts what was changed here: who remembers something looks at it."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self.changes = 0

    def __repr__(self) -> str:
        return f"<UsagePlans {self.changes} changes>"

    async def create_key(self, region: str, given: Mapping[str, Any]) -> Document:
        """A new key; one that is given a value has that."""
        value = given.get("value") or "".join(secrets.choice(_VALUE_ALPHABET) for _ in range(NEW_VALUE))
        if not MIN_VALUE <= len(value) <= MAX_VALUE:
            raise BadRequestException(
                f"API Key value should be at least {MIN_VALUE} characters and at most {MAX_VALUE}"
            )
        now, stages = int(self._clock.time()), given.get("stageKeys") or []
        key = {
            "id": ids.new_api_id(),
            "enabled": given.get("enabled", False),
            "createdDate": now,
            "lastUpdatedDate": now,
            "stageKeys": [f"{each.get('restApiId', '')}/{each.get('stageName', '')}" for each in stages],
            "tags": {},
            **{name: given[name] for name in ("name", "description", "customerId", "tags") if given.get(name)},
            "value": value,
        }

        def work(conn: Connection) -> None:
            if KEYS.seek(conn, region, value) is not None:
                raise ConflictException("API Key already exists")
            KEYS.save(conn, region, key["id"], key)

        await self._write(work)
        return key

    async def key(self, region: str, key_id: str) -> Document:
        return await self._store.read(lambda conn: KEYS.require(conn, region, key_id))

    async def keys(
        self, region: str, name: str | None, customer: str | None, position: str | None, limit: int | None
    ) -> Page:
        """Those whose name begins so, and of one customer."""
        found = await self._store.read(lambda conn: KEYS.all(conn, region))
        wanted = [
            key
            for key in sorted(found, key=lambda it: (it["createdDate"], it["id"]))
            if key.get("name", "").startswith(name or "") and customer in (None, key.get("customerId"))
        ]
        return page_of(wanted, position, limit)

    async def change_key(self, region: str, key_id: str, operations: Sequence[Mapping[str, Any]]) -> Document:
        now = int(self._clock.time())

        def work(conn: Connection) -> Document:
            key = KEYS.require(conn, region, key_id)
            for operation in operations:
                if operation.get("path") == "/stages":
                    _patch_stage_keys(key, operation)
                else:
                    patches.apply(key, [operation], _KEY_PATCHABLE)
            key["lastUpdatedDate"] = now
            KEYS.save(conn, region, key_id, key)
            return key

        return await self._write(work)

    async def delete_key(self, region: str, key_id: str) -> None:
        def work(conn: Connection) -> None:
            KEYS.remove(conn, region, key_id)
            for plan_id in PLAN_KEYS.parents(conn, region, key_id):
                PLAN_KEYS.remove(conn, region, key_id, plan_id)

        await self._write(work)

    async def create_plan(self, region: str, given: Mapping[str, Any]) -> Document:
        plan: Document = {"id": ids.new_part_id(), "apiStages": [], "tags": {}, **given}

        def work(conn: Connection) -> None:
            check_plan(conn, region, plan)
            PLANS.save(conn, region, plan["id"], plan)

        await self._write(work)
        return plan

    async def plan(self, region: str, plan_id: str) -> Document:
        return await self._store.read(lambda conn: PLANS.require(conn, region, plan_id))

    async def plans(self, region: str, key_id: str | None, position: str | None, limit: int | None) -> Page:
        """All, or those that a key is in."""

        def read(conn: Connection) -> Sequence[Document]:
            if key_id is None:
                return PLANS.all(conn, region)
            return [PLANS.require(conn, region, each) for each in PLAN_KEYS.parents(conn, region, key_id)]

        return page_of(await self._store.read(read), position, limit)

    async def change_plan(self, region: str, plan_id: str, operations: Sequence[Mapping[str, Any]]) -> Document:
        def work(conn: Connection) -> Document:
            plan = PLANS.require(conn, region, plan_id)
            for operation in operations:
                if operation.get("path", "").startswith("/apiStages"):
                    patch_stages(plan, operation)
                else:
                    patches.apply(plan, [operation], PLAN_PATCHABLE)
            check_plan(conn, region, plan)
            PLANS.save(conn, region, plan_id, plan)
            return plan

        return await self._write(work)

    async def delete_plan(self, region: str, plan_id: str) -> None:
        def work(conn: Connection) -> None:
            plan = PLANS.require(conn, region, plan_id)
            if plan.get("apiStages"):
                raise BadRequestException(
                    f"Cannot delete Usage Plan {plan_id} because there are API stages associated with it. Please "
                    "disassociate the API stages from the usage plan first."
                )
            PLAN_KEYS.remove_all(conn, region, plan_id)
            PLANS.remove(conn, region, plan_id)

        await self._write(work)

    async def add_key(self, region: str, plan_id: str, key_id: str, kind: str) -> Document:
        """Put a key into a plan; what plans open together must not overlap."""
        if kind != "API_KEY":
            raise BadRequestException("Invalid key type specified: it has to be API_KEY.")

        def work(conn: Connection) -> Document:
            plan, key = PLANS.require(conn, region, plan_id), KEYS.require(conn, region, key_id)
            known = PLAN_KEYS.parents(conn, region, key_id)
            if plan_id in known:
                raise ConflictException("Usage Plan ID already exists for this API Key")
            stages = _stages(plan)
            if any(stages & _stages(PLANS.require(conn, region, other)) for other in known):
                raise ConflictException(
                    f"API Key {key_id} cannot be added to Usage Plan {plan_id} because it is already in a plan of the "
                    "same stage"
                )
            PLAN_KEYS.save(conn, region, key_id, {"id": key_id, "type": kind}, plan_id)
            return _plan_key(key)

        return await self._write(work)

    async def plan_key(self, region: str, plan_id: str, key_id: str) -> Document:
        def read(conn: Connection) -> Document:
            PLANS.require(conn, region, plan_id)
            if PLAN_KEYS.find(conn, region, key_id, plan_id) is None:
                raise NotFoundException(f"Invalid API Key identifier specified for Usage Plan {plan_id}")
            return _plan_key(KEYS.require(conn, region, key_id))

        return await self._store.read(read)

    async def plan_keys(
        self, region: str, plan_id: str, name: str | None, position: str | None, limit: int | None
    ) -> Page:
        def read(conn: Connection) -> Sequence[Document]:
            PLANS.require(conn, region, plan_id)
            found = [KEYS.require(conn, region, each["id"]) for each in PLAN_KEYS.all(conn, region, plan_id)]
            return [_plan_key(key) for key in found if key.get("name", "").startswith(name or "")]

        return page_of(await self._store.read(read), position, limit)

    async def remove_key(self, region: str, plan_id: str, key_id: str) -> None:
        await self._write(lambda conn: PLAN_KEYS.remove(conn, region, key_id, plan_id))

    async def change_item(
        self, region: str, kind: Belongings, item_id: str, change: Callable[[Document], None]
    ) -> None:
        """Change a key or a plan in place."""

        def work(conn: Connection) -> None:
            item = kind.require(conn, region, item_id)
            change(item)
            kind.save(conn, region, item_id, item)

        await self._write(work)

    async def holder(self, region: str, value: str) -> tuple[Document, Sequence[Document]] | None:
        """The key of a value, and its plans; None if there is none."""

        def read(conn: Connection) -> tuple[Document, Sequence[Document]] | None:
            key = KEYS.seek(conn, region, value)
            if key is None:
                return None
            return key, [PLANS.require(conn, region, each) for each in PLAN_KEYS.parents(conn, region, key["id"])]

        return await self._store.read(read)

    async def _write(self, work: Callable[[Connection], T]) -> T:
        result = await self._store.write(work)
        self.changes += 1
        return result


def _plan_key(key: Mapping[str, Any]) -> Document:
    return {"id": key["id"], "type": "API_KEY", "value": key["value"], "name": key.get("name")}


def _stages(plan: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(each["apiId"], each["stage"]) for each in plan.get("apiStages") or ()}


def _patch_stage_keys(key: Document, operation: Mapping[str, Any]) -> None:
    """Stages that a key opens without a plan, as keys did before there were plans."""
    value = operation.get("value") or ""
    if operation.get("op") == "add" and value not in key["stageKeys"]:
        key["stageKeys"].append(value)
    elif operation.get("op") == "remove" and value in key["stageKeys"]:
        key["stageKeys"].remove(value)
