"""Tags, of APIs, stages and domain names."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from stoker.apis.domains import Domains
from stoker.apis.errors import BadRequestException, NotFoundException
from stoker.apis.http.api_rules import MAX_TAGS
from stoker.apis.http.apis import HttpApis
from stoker.apis.http.draft import STAGE, Draft
from stoker.wire.message import Call

Answer = Mapping[str, Any]
Tags = dict[str, str]
_ARN = re.compile(
    r"arn:aws[a-z-]*:apigateway:([a-z0-9-]+)::/(?:apis/(?P<api>[a-z0-9]+)(?:/stages/(?P<stage>[^/]+))?"
    r"|domainnames/(?P<domain>[^/]+))"
)


class TagOperations:
    def __init__(self, apis: HttpApis, domains: Domains) -> None:
        self._apis = apis
        self._domains = domains

    async def get_tags(self, call: Call) -> Answer:
        found = _target(call)
        if found["domain"] is not None:
            return {"Tags": (await self._domains.get(call.region, found["domain"])).get("Tags", {})}
        draft = await self._apis.read(call.region, found["api"])
        return {"Tags": (draft.api if found["stage"] is None else draft.require(STAGE, found["stage"])).get("Tags", {})}

    async def tag_resource(self, call: Call) -> Answer:
        await self._change(call, lambda tags: {**tags, **call.params.get("Tags", {})})
        return {}

    async def untag_resource(self, call: Call) -> Answer:
        keys = set(call.params["TagKeys"])
        await self._change(call, lambda tags: {key: value for key, value in tags.items() if key not in keys})
        return {}

    async def _change(self, call: Call, change: Callable[[Tags], Tags]) -> None:
        found = _target(call)

        def checked(tags: Tags) -> Tags:
            changed = change(tags)
            if len(changed) > MAX_TAGS:
                raise BadRequestException(f"A resource has at most {MAX_TAGS} tags.")
            return changed

        def work(draft: Draft) -> None:
            if found["stage"] is None:
                draft.api = {**draft.api, "Tags": checked(draft.api.get("Tags", {}))}
                return
            stage = draft.require(STAGE, found["stage"])
            draft.put(STAGE, found["stage"], {**stage, "Tags": checked(stage.get("Tags", {}))})

        if found["domain"] is not None:
            await self._domains.change_tags(call.region, found["domain"], checked)
        else:
            await self._apis.change(call.region, found["api"], work)


def _target(call: Call) -> Mapping[str, Any]:
    arn = unquote(call.params["ResourceArn"])
    found = _ARN.fullmatch(arn)
    if found is None or found[1] != call.region:
        raise NotFoundException(f"Invalid resource ARN: {arn}")
    return found.groupdict()
