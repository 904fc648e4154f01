"""CreateAlias to DeleteAlias."""

from collections.abc import Mapping
from typing import Any

from stoker.functions.aliases import AliasChange, Aliases, NewAlias
from stoker.functions.records import Alias
from stoker.model.arn import FunctionId
from stoker.model.limits import LIST_PAGE_ITEMS
from stoker.services.lambda_.naming import locate
from stoker.wire.message import Call


class AliasOperations:
    """The operations on aliases."""

    def __init__(self, aliases: Aliases) -> None:
        self._aliases = aliases

    async def create_alias(self, call: Call) -> Mapping[str, Any]:
        function = locate(call).function
        new = NewAlias(
            name=call.params["Name"],
            version=call.params["FunctionVersion"],
            description=call.params.get("Description", ""),
            weights=_weights(call.params) or {},
        )
        return _members(function, await self._aliases.create(function, new))

    async def get_alias(self, call: Call) -> Mapping[str, Any]:
        function = locate(call).function
        return _members(function, await self._aliases.get(function, call.params["Name"]))

    async def list_aliases(self, call: Call) -> Mapping[str, Any]:
        function = locate(call).function
        page = await self._aliases.list(
            function,
            call.params.get("FunctionVersion"),
            call.params.get("Marker"),
            call.params.get("MaxItems", LIST_PAGE_ITEMS),
        )
        return {"Aliases": [_members(function, alias) for alias in page.items], "NextMarker": page.next_marker}

    async def update_alias(self, call: Call) -> Mapping[str, Any]:
        function = locate(call).function
        change = AliasChange(
            version=call.params.get("FunctionVersion"),
            description=call.params.get("Description"),
            weights=_weights(call.params),
        )
        alias = await self._aliases.update(function, call.params["Name"], change, call.params.get("RevisionId"))
        return _members(function, alias)

    async def delete_alias(self, call: Call) -> Mapping[str, Any]:
        await self._aliases.delete(locate(call).function, call.params["Name"])
        return {}


def _weights(params: Mapping[str, Any]) -> Mapping[str, float] | None:
    """None if no routing was given; empty removes it."""
    routing = params.get("RoutingConfig")
    return None if routing is None else routing.get("AdditionalVersionWeights") or {}


def _members(function: FunctionId, alias: Alias) -> Mapping[str, Any]:
    return {
        "AliasArn": function.arn(alias.name),
        "Name": alias.name,
        "FunctionVersion": alias.version,
        "Description": alias.description,
        "RoutingConfig": {"AdditionalVersionWeights": dict(alias.weights)} if alias.weights else None,
        "RevisionId": alias.revision_id,
    }
