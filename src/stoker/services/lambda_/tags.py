"""TagResource, UntagResource and ListTags."""

from collections.abc import Mapping
from typing import Any

from stoker.functions.tags import Tags
from stoker.model.arn import FunctionId
from stoker.model.errors import InvalidParameterValueException, ResourceNotFoundException
from stoker.services.lambda_.event_source_mappings import MappingTags
from stoker.services.lambda_.naming import locate
from stoker.wire.message import Call


class TagOperations:
    """The operations on tags, of functions and of event source mappings."""

    def __init__(self, tags: Tags, of_mappings: MappingTags) -> None:
        self._tags = tags
        self._of_mappings = of_mappings

    async def tag_resource(self, call: Call) -> Mapping[str, Any]:
        if _is_mapping(call):
            await self._of_mappings.add(call)
            return {}
        await self._tags.add(_function(call), call.params["Tags"])
        return {}

    async def untag_resource(self, call: Call) -> Mapping[str, Any]:
        if _is_mapping(call):
            await self._of_mappings.remove(call)
            return {}
        await self._tags.remove(_function(call), call.params["TagKeys"])
        return {}

    async def list_tags(self, call: Call) -> Mapping[str, Any]:
        if _is_mapping(call):
            return {"Tags": self._of_mappings.get(call)}
        return {"Tags": dict(await self._tags.get(_function(call)))}


def _is_mapping(call: Call) -> bool:
    return ":event-source-mapping:" in call.params["Resource"]


def _function(call: Call) -> FunctionId:
    """The function to tag; layers and the like have ARNs too, but no tags here."""
    if ":function:" not in call.params["Resource"]:
        raise ResourceNotFoundException
    located = locate(call, "Resource")
    if located.qualifier is not None:
        raise InvalidParameterValueException(
            "Tags on function aliases and versions are not supported. Please specify a function ARN."
        )
    return located.function
