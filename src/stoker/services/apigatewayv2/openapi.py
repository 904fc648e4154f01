"""ImportApi, ReimportApi and ExportApi."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from stoker.apis.errors import BadRequestException
from stoker.apis.http.api_rules import check_api
from stoker.apis.http.apis import HttpApis
from stoker.apis.http.draft import STAGE, Document, Draft
from stoker.apis.http.openapi_export import VERSION, export_api, written
from stoker.apis.http.openapi_import import api_members, import_parts
from stoker.apis.rest.openapi_reading import OpenApi, read_openapi
from stoker.services.apigatewayv2.apis import ApiOperations
from stoker.wire.message import Call

Answer = Mapping[str, Any]
PassRoles = Callable[[Call, Iterable[str]], None]
"""Raises AccessDeniedException for roles that the caller may not hand over."""


class OpenApiOperations:
    def __init__(self, apis: HttpApis, of_apis: ApiOperations, pass_roles: PassRoles) -> None:
        self._apis = apis
        self._of_apis = of_apis
        self._pass_roles = pass_roles

    async def import_api(self, call: Call) -> Answer:
        document, warnings = await self._read(call), list[str]()

        def fill(draft: Draft) -> None:
            warnings[:] = _imported(draft, document, call)

        draft = await self._apis.create(call.region, api_members(document), fill)
        return await self._answer(draft.api, warnings, call)

    async def reimport_api(self, call: Call) -> Answer:
        document, warnings = await self._read(call), list[str]()

        def work(draft: Draft) -> Document:
            kept = {name: draft.api[name] for name in draft.api if name != "CorsConfiguration"}
            draft.api = check_api({**kept, **api_members(document)}, draft.api)
            warnings[:] = _imported(draft, document, call)
            return draft.api

        return await self._answer(await self._apis.change(call.region, call.params["ApiId"], work), warnings, call)

    async def export_api(self, call: Call) -> Answer:
        params = call.params
        if params["Specification"] != "OAS30" or params.get("ExportVersion", VERSION) != VERSION:
            raise BadRequestException("Invalid specification: the only one is OAS30, in export version 1.0.")
        if params["OutputType"] not in ("JSON", "YAML"):
            raise BadRequestException("Invalid outputType. It should be one of JSON, YAML.")
        draft, snapshots = await self._apis.deployed(call.region, params["ApiId"])
        deployed = None
        if params.get("StageName") is not None:
            stage = draft.require(STAGE, params["StageName"])
            deployed = snapshots.get(stage.get("DeploymentId", ""), {})
        address = (await self._of_apis.shown(draft.api, call.region))["ApiEndpoint"]
        document = export_api(draft, deployed, address, extensions=params.get("IncludeExtensions", True))
        return {"body": await asyncio.to_thread(written, document, params["OutputType"])}

    async def _read(self, call: Call) -> OpenApi:
        """The document, all of whose roles the caller may hand over."""
        document = await asyncio.to_thread(read_openapi, call.params["Body"].encode())
        self._pass_roles(call, document.roles)
        return document

    async def _answer(self, api: Document, warnings: list[str], call: Call) -> Answer:
        return {**await self._of_apis.shown(api, call.region), **({"Warnings": warnings} if warnings else {})}


def _imported(draft: Draft, document: OpenApi, call: Call) -> list[str]:
    warnings = import_parts(draft, document, call.params.get("Basepath", "ignore"))
    if warnings and call.params.get("FailOnWarnings"):
        raise BadRequestException(f"Warnings found during import: {' '.join(warnings)}")
    return warnings
