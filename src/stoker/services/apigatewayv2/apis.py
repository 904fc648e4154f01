"""APIs themselves: CreateApi and its like."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from stoker.apis.http.api_rules import MEMBERS, QUICK_CREATE, check_api, check_quick_create, quick_create, update_quick
from stoker.apis.http.apis import HttpApis
from stoker.apis.http.draft import HTTP, Document, Draft
from stoker.model.clock import Clock
from stoker.services.apigatewayv2.shapes import page, shown
from stoker.wire.message import Call

Answer = Mapping[str, Any]
ApiAddress = Callable[[str, str], Awaitable[str]]
"""The address of an API, by its id and region, with a slash at its end."""


class ApiOperations:
    """`address` says where an API is reached."""

    def __init__(self, apis: HttpApis, clock: Clock, address: ApiAddress) -> None:
        self._apis = apis
        self._clock = clock
        self._address = address

    async def create_api(self, call: Call) -> Answer:
        given, now = call.params, self._clock.time()
        check_quick_create(given)

        def fill(draft: Draft) -> None:
            if given.get("Target"):
                quick_create(draft, given, now)

        draft = await self._apis.create(call.region, _members(given), fill)
        return await self.shown(draft.api, call.region)

    async def get_api(self, call: Call) -> Answer:
        return await self.shown((await self._apis.read(call.region, call.params["ApiId"])).api, call.region)

    async def get_apis(self, call: Call) -> Answer:
        found = page(await self._apis.all(call.region), call.params)
        items = [{**each, "ApiEndpoint": await self._endpoint(each, call.region)} for each in found["Items"]]
        return {**found, "Items": items}

    async def update_api(self, call: Call) -> Answer:
        given = call.params

        def work(draft: Draft) -> Document:
            draft.api = check_api({**draft.api, **_members(given)}, draft.api)
            if any(given.get(name) is not None for name in QUICK_CREATE):
                update_quick(draft, given)
            return draft.api

        return await self.shown(await self._apis.change(call.region, given["ApiId"], work), call.region)

    async def delete_api(self, call: Call) -> Answer:
        await self._apis.delete(call.region, call.params["ApiId"])
        return {}

    async def delete_cors_configuration(self, call: Call) -> Answer:
        def work(draft: Draft) -> None:
            draft.api = {name: value for name, value in draft.api.items() if name != "CorsConfiguration"}

        await self._apis.change(call.region, call.params["ApiId"], work)
        return {}

    async def shown(self, api: Document, region: str) -> dict[str, Any]:
        """An API as the API answers it."""
        return {**shown(api), "ApiEndpoint": await self._endpoint(api, region)}

    async def _endpoint(self, api: Document, region: str) -> str:
        """The address that works where it is read."""
        address = (await self._address(api["ApiId"], region)).rstrip("/")
        return address if api["ProtocolType"] == HTTP else address.replace("http", "ws", 1)


def _members(given: Mapping[str, Any]) -> Document:
    return {name: given[name] for name in MEMBERS if given.get(name) is not None}
