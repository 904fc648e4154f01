"""TagResource, UntagResource and ListTags."""

from collections.abc import Mapping
from typing import Any

from stoker.functions.tags import Tags
from stoker.model.arn import FunctionId
from stoker.model.errors import InvalidParameterValueException, ResourceNotFoundException
from stoker.services.lambda_.naming import locate
from stoker.wire.message import Call


class TagOperations:
    """The operations on tags."""

    def __init__(self, tags: Tags) -> None:
        self._tags = tags

    async def tag_resource(self, call: Call) -> Mapping[str, Any]:
        await self._tags.add(_function(call), call.params["Tags"])
        return {}

    async def untag_resource(self, call: Call) -> Mapping[str, Any]:
        await self._tags.remove(_function(call), call.params["TagKeys"])
        return {}

    async def list_tags(self, call: Call) -> Mapping[str, Any]:
        return {"Tags": dict(await self._tags.get(_function(call)))}


def _function(call: Call) -> FunctionId:
    """The function to tag; event source mappings and the like have ARNs too, but none of them is here."""
    if ":function:" not in call.params["Resource"]:
        raise ResourceNotFoundException
    located = locate(call, "Resource")
    if located.qualifier is not None:
        raise InvalidParameterValueException(
            "Tags on function aliases and versions are not supported. Please specify a function ARN."
        )
    return located.function
