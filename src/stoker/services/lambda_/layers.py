"""PublishLayerVersion to ListLayers."""

from collections.abc import Callable, Mapping
from typing import Any

from stoker.functions.layers import LayerDraft, LayerFilter, Layers
from stoker.functions.records import LayerVersion, base64_digest
from stoker.model.arn import layer_arn
from stoker.model.errors import ResourceNotFoundException
from stoker.model.limits import LIST_PAGE_ITEMS
from stoker.services.lambda_.code_source import CodeSource
from stoker.services.lambda_.configuration_words import lambda_time
from stoker.services.lambda_.naming import locate_layer
from stoker.services.lambda_.unbuilt import refuse_unbuilt
from stoker.wire.message import Call

Members = Mapping[str, Any]


class LayerOperations:
    """The operations on layers. `code_location` makes the URL under which a zip can be downloaded for a while, `code`
    gets the zips.
    """

    def __init__(self, layers: Layers, code_location: Callable[[str], str], code: CodeSource) -> None:
        self._layers = layers
        self._code_location = code_location
        self._code = code

    async def publish_layer_version(self, call: Call) -> Members:
        refuse_unbuilt(call.params)
        data = await self._code.zip_of(call, call.params["Content"])
        draft = LayerDraft(
            account=call.account,
            region=call.region,
            name=locate_layer(call).name,
            description=call.params.get("Description", ""),
            license_info=call.params.get("LicenseInfo"),
            compatible_runtimes=tuple(call.params.get("CompatibleRuntimes") or ()),
            compatible_architectures=tuple(call.params.get("CompatibleArchitectures") or ()),
        )
        return self._with_content(await self._layers.publish(draft, data))

    async def get_layer_version(self, call: Call) -> Members:
        name = locate_layer(call).name
        return self._with_content(await self._layers.get(call.region, name, call.params["VersionNumber"]))

    async def get_layer_version_by_arn(self, call: Call) -> Members:
        located = locate_layer(call, "Arn")
        if located.version is None:
            raise ResourceNotFoundException
        return self._with_content(await self._layers.get(call.region, located.name, located.version))

    async def list_layer_versions(self, call: Call) -> Members:
        page = await self._layers.list_versions(
            call.region, locate_layer(call).name, _filter(call), call.params.get("Marker"), _limit(call)
        )
        return {"LayerVersions": [_members(layer) for layer in page.items], "NextMarker": page.next_marker}

    async def list_layers(self, call: Call) -> Members:
        page = await self._layers.list_latest(call.region, _filter(call), call.params.get("Marker"), _limit(call))
        layers = [
            {
                "LayerName": layer.name,
                "LayerArn": layer_arn(layer.region, layer.account, layer.name),
                "LatestMatchingVersion": _members(layer),
            }
            for layer in page.items
        ]
        return {"Layers": layers, "NextMarker": page.next_marker}

    async def delete_layer_version(self, call: Call) -> Members:
        await self._layers.delete(call.region, locate_layer(call).name, call.params["VersionNumber"])
        return {}

    def _with_content(self, layer: LayerVersion) -> Members:
        content = {
            "Location": self._code_location(layer.code_sha256),
            "CodeSha256": base64_digest(layer.code_sha256),
            "CodeSize": layer.code_size,
        }
        return {"Content": content, "LayerArn": layer_arn(layer.region, layer.account, layer.name), **_members(layer)}


def _filter(call: Call) -> LayerFilter:
    return LayerFilter(
        runtime=call.params.get("CompatibleRuntime"), architecture=call.params.get("CompatibleArchitecture")
    )


def _limit(call: Call) -> int:
    limit: int = call.params.get("MaxItems", LIST_PAGE_ITEMS)
    return limit


def _members(layer: LayerVersion) -> Members:
    return {
        "LayerVersionArn": layer_arn(layer.region, layer.account, layer.name, layer.version),
        "Version": layer.version,
        "Description": layer.description,
        "CreatedDate": lambda_time(layer.created),
        "CompatibleRuntimes": list(layer.compatible_runtimes) or None,
        "CompatibleArchitectures": list(layer.compatible_architectures) or None,
        "LicenseInfo": layer.license_info,
    }
