"""Resources, methods, integrations, and what they answer."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from stoker.apis.rest import methods, resources
from stoker.apis.rest.documents import Document, integration_of, method_of, resource_of
from stoker.apis.rest.pages import page_of
from stoker.apis.rest.rest_apis import RestApis
from stoker.services.apigateway.words import NOTHING, Answer, given, operations, where
from stoker.wire.message import Call

T = TypeVar("T")
_NAMES = ("restApiId", "resourceId", "httpMethod", "statusCode")


class ResourceOperations:
    def __init__(self, apis: RestApis) -> None:
        self._apis = apis

    async def create_resource(self, call: Call) -> Answer:
        parent_id, part = call.params["parentId"], call.params["pathPart"]
        return await self._change(call, lambda it: _without_methods(resources.add_resource(it, parent_id, part)))

    async def get_resource(self, call: Call) -> Answer:
        document = await self._apis.get(where(call), call.params["restApiId"])
        return _shown(resource_of(document, call.params["resourceId"]), call)

    async def get_resources(self, call: Call) -> Answer:
        document = await self._apis.get(where(call), call.params["restApiId"])
        found = sorted(document["resources"].values(), key=lambda it: str(it["path"]))
        page = page_of([_shown(it, call) for it in found], call.params.get("position"), call.params.get("limit"))
        return page.members

    async def update_resource(self, call: Call) -> Answer:
        resource_id = call.params["resourceId"]
        changed = await self._change(call, lambda it: resources.update_resource(it, resource_id, operations(call)))
        return _shown(changed, call)

    async def delete_resource(self, call: Call) -> Answer:
        await self._change(call, lambda it: resources.remove_resource(it, call.params["resourceId"]))
        return NOTHING

    async def put_method(self, call: Call) -> Answer:
        return await self._change(call, lambda it: methods.put_method(it, *_method(call), given(call, *_NAMES)))

    async def get_method(self, call: Call) -> Answer:
        return method_of(await self._apis.get(where(call), call.params["restApiId"]), *_method(call))

    async def update_method(self, call: Call) -> Answer:
        return await self._change(call, lambda it: methods.update_method(it, *_method(call), operations(call)))

    async def delete_method(self, call: Call) -> Answer:
        await self._change(call, lambda it: methods.remove_method(it, *_method(call)))
        return NOTHING

    async def put_method_response(self, call: Call) -> Answer:
        wanted = given(call, *_NAMES)
        return await self._change(call, lambda it: methods.put_method_response(it, *_response(call), wanted))

    async def get_method_response(self, call: Call) -> Answer:
        document = await self._apis.get(where(call), call.params["restApiId"])
        return methods.method_response_of(document, *_response(call))

    async def update_method_response(self, call: Call) -> Answer:
        patched = operations(call)
        return await self._change(call, lambda it: methods.update_method_response(it, *_response(call), patched))

    async def delete_method_response(self, call: Call) -> Answer:
        await self._change(call, lambda it: methods.remove_method_response(it, *_response(call)))
        return NOTHING

    async def put_integration(self, call: Call) -> Answer:
        wanted = given(call, *_NAMES, "integrationHttpMethod")
        if call.params.get("integrationHttpMethod"):
            wanted["httpMethod"] = call.params["integrationHttpMethod"]
        return await self._change(call, lambda it: methods.put_integration(it, *_method(call), wanted))

    async def get_integration(self, call: Call) -> Answer:
        return integration_of(await self._apis.get(where(call), call.params["restApiId"]), *_method(call))

    async def update_integration(self, call: Call) -> Answer:
        return await self._change(call, lambda it: methods.update_integration(it, *_method(call), operations(call)))

    async def delete_integration(self, call: Call) -> Answer:
        await self._change(call, lambda it: methods.remove_integration(it, *_method(call)))
        return NOTHING

    async def put_integration_response(self, call: Call) -> Answer:
        wanted = given(call, *_NAMES)
        return await self._change(call, lambda it: methods.put_integration_response(it, *_response(call), wanted))

    async def get_integration_response(self, call: Call) -> Answer:
        document = await self._apis.get(where(call), call.params["restApiId"])
        return methods.integration_response_of(document, *_response(call))

    async def update_integration_response(self, call: Call) -> Answer:
        patched = operations(call)
        return await self._change(call, lambda it: methods.update_integration_response(it, *_response(call), patched))

    async def delete_integration_response(self, call: Call) -> Answer:
        await self._change(call, lambda it: methods.remove_integration_response(it, *_response(call)))
        return NOTHING

    async def _change(self, call: Call, work: Callable[[Document], T]) -> T:
        return await self._apis.change(where(call), call.params["restApiId"], work)


def _method(call: Call) -> tuple[str, str]:
    return call.params["resourceId"], call.params["httpMethod"]


def _response(call: Call) -> tuple[str, str, str]:
    return (*_method(call), call.params["statusCode"])


def _without_methods(resource: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in resource.items() if key != "resourceMethods"}


def _shown(resource: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """Methods are told in full only if `embed` asks for them."""
    found = resource["resourceMethods"]
    if "methods" not in (call.params.get("embed") or []):
        found = {name: {} for name in found}
    return {**_without_methods(resource), **({"resourceMethods": found} if found else {})}
