"""CreateFunction to DeleteFunction."""

from collections.abc import Callable, Mapping
from typing import Any

from stoker.functions.drafts import NewFunction
from stoker.functions.records import Page, VersionRecord
from stoker.functions.registry import Registry
from stoker.model.arn import FunctionId
from stoker.model.limits import LIST_PAGE_ITEMS
from stoker.services.lambda_.code_source import CodeSource
from stoker.services.lambda_.configuration_words import ConfigurationWords, change_from
from stoker.services.lambda_.execution_role import RoleChecks
from stoker.services.lambda_.naming import locate
from stoker.services.lambda_.unbuilt import refuse_unbuilt
from stoker.wire.message import Call, Result

Members = Mapping[str, Any]


class FunctionOperations:
    """A function's own operations. `code_location` makes the URL under which a zip can be downloaded for a while,
    `check_role` raises if a function cannot run as a role; `roles` says what that may, `code` gets the zips.
    """

    def __init__(
        self,
        registry: Registry,
        words: ConfigurationWords,
        code_location: Callable[[str], str],
        check_role: Callable[[str, FunctionId], None],
        roles: RoleChecks,
        code: CodeSource,
    ) -> None:
        self._registry = registry
        self._words = words
        self._code_location = code_location
        self._check_role = check_role
        self._roles = roles
        self._code = code

    async def create_function(self, call: Call) -> Members:
        refuse_unbuilt(call.params)
        new = NewFunction(
            configuration=change_from(call.params),
            tags=call.params.get("Tags") or {},
            publish=call.params.get("Publish", False),
        )
        located = locate(call)
        function = located.function
        code = await self._code.zip_of(call, call.params["Code"])
        self._check_role(call.params["Role"], function)
        await self._roles.may_be_changed(located, call.params)
        # A qualifier in a new function's name is ignored, and not in the answer's ARN even if a version is published.
        return self._words.full(await self._registry.create(function, new, code), None)

    async def update_function_code(self, call: Call) -> Members:
        params = call.params
        refuse_unbuilt(params)
        function = locate(call).function
        code = await self._code.zip_of(call, params)
        architecture = (params.get("Architectures") or [None])[0]
        revision_id = params.get("RevisionId")
        if params.get("DryRun"):
            record = await self._registry.try_update_code(
                function, code, architecture=architecture, revision_id=revision_id
            )
            return self._words.full(record, None)
        publish = params.get("Publish", False)
        record = await self._registry.update_code(
            function, code, architecture=architecture, revision_id=revision_id, publish=publish
        )
        return self._words.full(record, record.function.version if publish else None)

    async def update_function_configuration(self, call: Call) -> Members:
        refuse_unbuilt(call.params)
        located = locate(call)
        function = located.function
        if "Role" in call.params:
            self._check_role(call.params["Role"], function)
        await self._roles.may_be_changed(located, call.params)
        record = await self._registry.update_configuration(
            function, change_from(call.params), call.params.get("RevisionId")
        )
        return self._words.full(record, None)

    async def get_function(self, call: Call) -> Members:
        located = locate(call)
        record = await self._registry.get(located.function, located.qualifier)
        tags = await self._registry.tags.get(located.function)
        reserved = self._registry.concurrency.reserved(located.function)
        return {
            "Configuration": self._words.full(record, located.qualifier),
            "Code": {"RepositoryType": "S3", "Location": self._code_location(record.function.code_sha256)},
            "Tags": dict(tags) or None,
            "Concurrency": None if reserved is None else {"ReservedConcurrentExecutions": reserved},
        }

    async def get_function_configuration(self, call: Call) -> Members:
        located = locate(call)
        return self._words.full(await self._registry.get(located.function, located.qualifier), located.qualifier)

    async def list_functions(self, call: Call) -> Members:
        marker = call.params.get("Marker")
        limit = min(call.params.get("MaxItems", LIST_PAGE_ITEMS), LIST_PAGE_ITEMS)
        every_version = call.params.get("FunctionVersion") == "ALL"
        page: Page[VersionRecord]
        if call.params.get("MasterRegion", "ALL") != "ALL":
            # Asks for replicas of Lambda@Edge functions of a region; nothing is replicated here.
            page = Page(items=[])
        elif every_version:
            page = await self._registry.list_all(call.region, marker, limit)
        else:
            page = await self._registry.list_latest(call.region, marker, limit)
        functions = [
            self._words.listed(record, record.function.version if every_version else None) for record in page.items
        ]
        return {"Functions": functions, "NextMarker": page.next_marker}

    async def delete_function(self, call: Call) -> Result:
        located = locate(call)
        if located.qualifier is None:
            await self._registry.delete(located.function)
        else:
            await self._registry.versions.delete(located.function, located.qualifier)
        return Result(members={}, status=204)
