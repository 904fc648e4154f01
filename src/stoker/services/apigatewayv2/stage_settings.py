"""What is taken away from a stage by operations of its own."""

from collections.abc import Callable, Mapping
from typing import Any

from stoker.apis.http.apis import HttpApis
from stoker.apis.http.draft import STAGE, Document, Draft
from stoker.apis.http.function_authorizer import FunctionAuthorizers
from stoker.wire.message import Call

Answer = Mapping[str, Any]


class StageSettings:
    def __init__(self, apis: HttpApis, authorizers: FunctionAuthorizers) -> None:
        self._apis = apis
        self._authorizers = authorizers

    async def delete_access_log_settings(self, call: Call) -> Answer:
        await self._change(call, lambda stage: {name: stage[name] for name in stage if name != "AccessLogSettings"})
        return {}

    async def delete_route_settings(self, call: Call) -> Answer:
        key = call.params["RouteKey"]

        def without(stage: Document) -> Document:
            return {**stage, "RouteSettings": {each: it for each, it in stage["RouteSettings"].items() if each != key}}

        await self._change(call, without)
        return {}

    async def reset_authorizers_cache(self, call: Call) -> Answer:
        api_id, name = call.params["ApiId"], call.params["StageName"]
        (await self._apis.read(call.region, api_id)).require(STAGE, name)
        self._authorizers.forget(api_id, name)
        return {}

    async def _change(self, call: Call, change: Callable[[Document], Document]) -> None:
        name = call.params["StageName"]

        def work(draft: Draft) -> None:
            draft.put(STAGE, name, change(draft.require(STAGE, name)))

        await self._apis.change(call.region, call.params["ApiId"], work)
