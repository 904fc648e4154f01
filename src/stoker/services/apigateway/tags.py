"""Tags of everything that has an ARN here, and the account's own settings."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from stoker.apis.domains import Domains
from stoker.apis.errors import BadRequestException, NotFoundException
from stoker.apis.rest.accounts import Accounts
from stoker.apis.rest.deployments import Deployments
from stoker.apis.rest.documents import Document
from stoker.apis.rest.rest_apis import RestApis
from stoker.apis.rest.usage_plans import KEYS, PLANS, UsagePlans
from stoker.services.apigateway.words import NOTHING, Answer, operations, where
from stoker.wire.message import Call

MAX_TAGS = 50
_ARN = re.compile(
    r"arn:aws[a-z-]*:apigateway:[a-z0-9-]+::"
    r"/(restapis|apikeys|usageplans|domainnames)/([^/]+)(?:/stages/([^/]+))?"
)
_Change = Callable[[dict[str, str]], dict[str, str]]


class TagOperations:
    def __init__(
        self, *, apis: RestApis, deployments: Deployments, plans: UsagePlans, domains: Domains, accounts: Accounts
    ) -> None:
        self._apis = apis
        self._deployments = deployments
        self._plans = plans
        self._domains = domains
        self._accounts = accounts

    async def tag_resource(self, call: Call) -> Answer:
        added: Mapping[str, str] = call.params["tags"]

        def change(tags: dict[str, str]) -> dict[str, str]:
            if len({**tags, **added}) > MAX_TAGS:
                raise BadRequestException(f"A resource has at most {MAX_TAGS} tags.")
            return {**tags, **added}

        await self._change(call, change)
        return NOTHING

    async def untag_resource(self, call: Call) -> Answer:
        gone = call.params["tagKeys"]
        await self._change(call, lambda tags: {key: value for key, value in tags.items() if key not in gone})
        return NOTHING

    async def get_tags(self, call: Call) -> Answer:
        kind, name, stage = _parsed(call)
        found: Mapping[str, Any]
        if stage is not None:
            found = await self._deployments.stage(where(call), name, stage)
        elif kind == "restapis":
            found = (await self._apis.get(where(call), name))["api"]
        elif kind == "domainnames":
            return {"tags": (await self._domains.get(call.region, name)).get("Tags", {})}
        else:
            found = await (self._plans.key if kind == "apikeys" else self._plans.plan)(call.region, name)
        return {"tags": found.get("tags", {})}

    async def get_account(self, call: Call) -> Answer:
        return await self._accounts.get(call.region)

    async def update_account(self, call: Call) -> Answer:
        return await self._accounts.update(call.region, operations(call))

    async def _change(self, call: Call, change: _Change) -> None:
        kind, name, stage = _parsed(call)

        def on(item: Document) -> None:
            item["tags"] = change(item.get("tags", {}))

        if stage is not None:
            await self._deployments.change_stage(where(call), name, stage, on)
        elif kind == "restapis":
            await self._apis.change(where(call), name, lambda document: on(document["api"]))
        elif kind == "domainnames":
            await self._domains.change_tags(call.region, name, change)
        else:
            await self._plans.change_item(call.region, KEYS if kind == "apikeys" else PLANS, name, on)


def _parsed(call: Call) -> tuple[str, str, str | None]:
    """The kind of what an ARN names, its name, and a stage's."""
    found = _ARN.fullmatch(unquote(call.params["resourceArn"]))
    if found is None:
        raise BadRequestException("Invalid resource ARN")
    if found[3] is not None and found[1] != "restapis":
        raise NotFoundException("Invalid resource ARN")
    return found[1], found[2], found[3]
