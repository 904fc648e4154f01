"""APIs, stages, keys and plans in the store, on both of its engines."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from fakes.clock import FakeClock
from stoker.apis.errors import BadRequestException, ConflictException, NotFoundException
from stoker.apis.rest.deployments import Deployments, has_stage
from stoker.apis.rest.documents import new_document
from stoker.apis.rest.host import RestHost
from stoker.apis.rest.methods import put_integration, put_method
from stoker.apis.rest.rest_apis import RestApis
from stoker.apis.rest.usage_plans import UsagePlans
from stoker.model.access import Where
from stoker.store.store import Store, open_store

HERE = Where(region="us-east-1", account="0" * 12)
ELSEWHERE = Where(region="eu-west-1", account="0" * 12)


async def _api(store: Store, name: str = "pets") -> str:
    """An API with one method; its id."""
    document = new_document({"name": name, "disableExecuteApiEndpoint": name == "shut"}, api_id=f"id-{name}", now=1.0)
    root = document["api"]["rootResourceId"]
    put_method(document, root, "GET", {"authorizationType": "NONE"})
    put_integration(document, root, "GET", {"type": "MOCK"})
    await RestApis(store).add(HERE.region, document)
    return f"id-{name}"


def test_apis_and_their_stages_are_kept_on_both_engines(store_url: str) -> None:
    async def scenario(store: Store) -> None:
        changed: list[tuple[str, str]] = []
        apis, clock = RestApis(store), FakeClock()
        deployments = Deployments(store, clock, lambda api_id, stage: changed.append((api_id, stage)))
        api_id = await _api(store)
        await _api(store, "shut")
        assert [api["name"] for api in (await apis.list(HERE.region, None, 1)).items] == ["pets"]
        host = RestHost(
            store=store, account=HERE.account, clock=clock, execution=cast(Any, None), authorization=cast(Any, None)
        )
        await host.load()
        assert [await host.region_of(each) for each in (api_id, "id-none")] == [HERE.region, None]
        with pytest.raises(NotFoundException):
            await apis.get(ELSEWHERE, api_id)
        first = await deployments.create(HERE, api_id, {"stageName": "s", "variables": {"a": "1"}})
        await apis.change(HERE, api_id, lambda document: document["api"].update(name="later"))
        snapshot, stage = await deployments.deployed(HERE, api_id, "s")
        assert (snapshot["api"]["name"], stage["deploymentId"], changed) == ("pets", first["id"], [(api_id, "s")])
        with pytest.raises(BadRequestException):
            await deployments.delete(HERE, api_id, first["id"])
        assert await store.read(lambda conn: has_stage(conn, HERE.region, api_id, "s"))
        await apis.delete(HERE, api_id)
        assert not await store.read(lambda conn: has_stage(conn, HERE.region, api_id, "s"))

    _run(store_url, scenario)


def test_keys_and_plans_are_kept_on_both_engines(store_url: str) -> None:
    async def scenario(store: Store) -> None:
        plans, api_id = UsagePlans(store, FakeClock()), await _api(store)
        await Deployments(store, FakeClock(), lambda *_: None).create(HERE, api_id, {"stageName": "s"})
        key = await plans.create_key(HERE.region, {"name": "k", "value": "v" * 20, "enabled": True})
        with pytest.raises(ConflictException):
            await plans.create_key(HERE.region, {"value": "v" * 20})
        stages = [{"apiId": api_id, "stage": "s"}]
        plan = await plans.create_plan(HERE.region, {"name": "p", "apiStages": stages})
        await plans.add_key(HERE.region, plan["id"], key["id"], "API_KEY")
        other = await plans.create_plan(HERE.region, {"name": "q", "apiStages": stages})
        with pytest.raises(ConflictException):
            await plans.add_key(HERE.region, other["id"], key["id"], "API_KEY")
        found = await plans.holder(HERE.region, "v" * 20)
        assert found is not None and [each["name"] for each in found[1]] == ["p"]
        assert await plans.holder(ELSEWHERE.region, "v" * 20) is None
        await plans.delete_key(HERE.region, key["id"])
        assert not (await plans.plan_keys(HERE.region, plan["id"], None, None, None)).items

    _run(store_url, scenario)


def _run(store_url: str, scenario: Callable[[Store], Awaitable[None]]) -> None:
    async def run() -> None:
        store = open_store(store_url)
        try:
            await scenario(store)
        finally:
            await store.close()

    asyncio.run(run())
