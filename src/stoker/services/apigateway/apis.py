"""APIs themselves: made, imported, changed and exported as a whole."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from stoker.apis.errors import BadRequestException
from stoker.apis.ids import new_api_id
from stoker.apis.rest.api_rules import CheckPolicy, check_api, patch_api
from stoker.apis.rest.deployments import Deployments
from stoker.apis.rest.documents import Document, new_document
from stoker.apis.rest.host import RestHost
from stoker.apis.rest.openapi_export import export, to_yaml
from stoker.apis.rest.openapi_import import api_members, fill
from stoker.apis.rest.openapi_reading import read_openapi, roles_in
from stoker.apis.rest.rest_apis import RestApis
from stoker.model.clock import Clock
from stoker.model.errors import NotBuiltError
from stoker.services.apigateway.words import NOTHING, Answer, given, operations, where
from stoker.wire.message import Call

PassRoles = Callable[[Call, Iterable[str]], None]
_KEPT_BY_OVERWRITING = ("id", "createdDate", "rootResourceId", "tags", "endpointConfiguration", "apiKeySource")


class ApiOperations:
    """`check_policy` raises ValueError for what is no resource policy, `pass_roles` AccessDeniedException for roles
    that the caller may not hand over.
    """

    def __init__(
        self,
        *,
        apis: RestApis,
        deployments: Deployments,
        host: RestHost,
        clock: Clock,
        check_policy: CheckPolicy,
        pass_roles: PassRoles,
    ) -> None:
        self._apis = apis
        self._deployments = deployments
        self._host = host
        self._clock = clock
        self._check_policy = check_policy
        self._pass_roles = pass_roles

    async def create_rest_api(self, call: Call) -> Answer:
        members = given(call, "cloneFrom", "securityPolicy", "endpointAccessMode")
        for name in ("securityPolicy", "endpointAccessMode"):
            if call.params.get(name):
                raise NotBuiltError(f"{name} of an API is not there yet in Stoker.")
        document = self._new(members)
        if call.params.get("cloneFrom"):
            source = await self._apis.get(where(call), call.params["cloneFrom"])
            self._pass_roles(call, roles_in(source))
            own = {name: document["api"][name] for name in ("id", "createdDate", "tags", *members)}
            api = {**source["api"], **own}
            document = {**source, "api": api}
        return await self._add(call, document)

    async def import_rest_api(self, call: Call) -> Answer:
        parameters = call.params.get("parameters") or {}

        source = await asyncio.to_thread(read_openapi, _bytes(call.params["body"]))
        self._pass_roles(call, source.roles)

        def read() -> Document:
            members = {key: it for key, it in api_members(source, parameters).items() if it is not None}
            document = self._new(members)
            fill(document, source, base_path=parameters.get("basepath", "ignore"))
            return document

        return await self._add(call, await asyncio.to_thread(read))

    async def put_rest_api(self, call: Call) -> Answer:
        """In place of what the API has, or (`merge`) in addition to it."""
        parameters, mode = call.params.get("parameters") or {}, call.params.get("mode") or "merge"
        if mode not in ("merge", "overwrite"):
            raise BadRequestException("mode must be one of overwrite, merge")
        source = await asyncio.to_thread(read_openapi, _bytes(call.params["body"]))
        self._pass_roles(call, source.roles)
        members = {key: it for key, it in api_members(source, parameters).items() if it is not None}
        place, overwrites = where(call), mode == "overwrite"

        def change(document: Document) -> Document:
            before = document["api"]
            kept = {key: before[key] for key in _KEPT_BY_OVERWRITING if key in before} if overwrites else before
            document["api"] = {"disableExecuteApiEndpoint": False, **kept, **members}
            check_api(document, place, self._check_policy)
            fill(document, source, base_path=parameters.get("basepath", "ignore"), overwrite=overwrites)
            return document

        document = await self._apis.change(place, call.params["restApiId"], change)
        self._host.note(call.region, document)
        return shown(document)

    async def get_rest_api(self, call: Call) -> Answer:
        return shown(await self._apis.get(where(call), call.params["restApiId"]))

    async def get_rest_apis(self, call: Call) -> Answer:
        page = await self._apis.list(call.region, call.params.get("position"), call.params.get("limit"))
        return {"items": [_shown_api(api) for api in page.items], "position": page.position}

    async def update_rest_api(self, call: Call) -> Answer:
        place = where(call)

        def change(document: Document) -> Document:
            patch_api(document, operations(call), place, self._check_policy)
            return document

        document = await self._apis.change(place, call.params["restApiId"], change)
        self._host.note(call.region, document)
        return shown(document)

    async def delete_rest_api(self, call: Call) -> Answer:
        await self._apis.delete(where(call), call.params["restApiId"])
        self._host.forget_api(call.params["restApiId"])
        return NOTHING

    async def get_export(self, call: Call) -> Answer:
        """A stage's API as an OpenAPI document."""
        params = call.params
        wanted = (params.get("parameters") or {}).get("extensions", "")
        if params["exportType"] not in ("swagger", "oas30"):
            raise BadRequestException("Invalid export type specified: it has to be one of swagger, oas30")
        snapshot, stage = await self._deployments.deployed(where(call), params["restApiId"], params["stageName"])
        extensions = frozenset(part.strip() for part in wanted.split(",") if part.strip())
        document = export(
            snapshot, stage, oas30=params["exportType"] == "oas30", extensions=extensions, where=where(call)
        )
        in_yaml = "yaml" in (params.get("accepts") or "")
        text = await asyncio.to_thread(to_yaml, document) if in_yaml else json.dumps(document, indent=2)
        ending = "yaml" if in_yaml else "json"
        name = f"{params['restApiId']}-{params['stageName']}-{params['exportType']}.{ending}"
        return {
            "contentType": "application/octet-stream",
            "contentDisposition": f'attachment; filename="{name}"',
            "body": text.encode(),
        }

    def _new(self, members: Mapping[str, Any]) -> Document:
        return new_document(members, api_id=new_api_id(), now=self._clock.time())

    async def _add(self, call: Call, document: Document) -> Answer:
        api = document["api"]
        api["endpointConfiguration"] = {"types": ["EDGE"], "ipAddressType": "ipv4", **api["endpointConfiguration"]}
        check_api(document, where(call), self._check_policy)
        await self._apis.add(call.region, document)
        self._host.note(call.region, document)
        return shown(document)


def shown(document: Document) -> dict[str, Any]:
    return _shown_api(document["api"])


def _shown_api(api: Mapping[str, Any]) -> dict[str, Any]:
    """The policy's quotes are escaped once more, which clients undo."""
    policy = api.get("policy")
    answer = {**api, "policy": None if policy is None else json.dumps(policy)[1:-1]}
    return {key: value for key, value in answer.items() if value not in (None, {}, [])}


def _bytes(body: Any) -> bytes:
    return body if isinstance(body, bytes) else bytes(body.read())
