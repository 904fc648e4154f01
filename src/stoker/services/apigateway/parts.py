"""Models, request validators, authorizers and gateway responses of an API."""

from collections.abc import Callable
from typing import TypeVar

from stoker.apis.rest import parts
from stoker.apis.rest.documents import Document
from stoker.apis.rest.gateway_responses import DEFAULTS
from stoker.apis.rest.pages import page_of
from stoker.apis.rest.rest_apis import RestApis
from stoker.services.apigateway.words import NOTHING, Answer, given, operations, where
from stoker.wire.message import Call

T = TypeVar("T")


class PartOperations:
    def __init__(self, apis: RestApis) -> None:
        self._apis = apis

    async def create_model(self, call: Call) -> Answer:
        return await self._change(call, lambda it: parts.add_model(it, given(call, "restApiId")))

    async def get_model(self, call: Call) -> Answer:
        return parts.model_of(await self._get(call), call.params["modelName"])

    async def get_models(self, call: Call) -> Answer:
        return await self._list(call, "models")

    async def update_model(self, call: Call) -> Answer:
        return await self._change(call, lambda it: parts.update_model(it, call.params["modelName"], operations(call)))

    async def delete_model(self, call: Call) -> Answer:
        await self._change(call, lambda it: parts.remove_model(it, call.params["modelName"]))
        return NOTHING

    async def create_request_validator(self, call: Call) -> Answer:
        return await self._change(call, lambda it: parts.add_validator(it, given(call, "restApiId")))

    async def get_request_validator(self, call: Call) -> Answer:
        return parts.validator_of(await self._get(call), call.params["requestValidatorId"])

    async def get_request_validators(self, call: Call) -> Answer:
        return await self._list(call, "validators")

    async def update_request_validator(self, call: Call) -> Answer:
        validator_id = call.params["requestValidatorId"]
        return await self._change(call, lambda it: parts.update_validator(it, validator_id, operations(call)))

    async def delete_request_validator(self, call: Call) -> Answer:
        await self._change(call, lambda it: parts.remove_validator(it, call.params["requestValidatorId"]))
        return NOTHING

    async def create_authorizer(self, call: Call) -> Answer:
        return await self._change(call, lambda it: parts.add_authorizer(it, given(call, "restApiId")))

    async def get_authorizer(self, call: Call) -> Answer:
        return parts.authorizer_of(await self._get(call), call.params["authorizerId"])

    async def get_authorizers(self, call: Call) -> Answer:
        return await self._list(call, "authorizers")

    async def update_authorizer(self, call: Call) -> Answer:
        authorizer_id = call.params["authorizerId"]
        return await self._change(call, lambda it: parts.update_authorizer(it, authorizer_id, operations(call)))

    async def delete_authorizer(self, call: Call) -> Answer:
        await self._change(call, lambda it: parts.remove_authorizer(it, call.params["authorizerId"]))
        return NOTHING

    async def put_gateway_response(self, call: Call) -> Answer:
        kind, wanted = call.params["responseType"], given(call, "restApiId", "responseType")
        return await self._change(call, lambda it: parts.put_gateway_response(it, kind, wanted))

    async def get_gateway_response(self, call: Call) -> Answer:
        return parts.gateway_response_of(await self._get(call), call.params["responseType"])

    async def get_gateway_responses(self, call: Call) -> Answer:
        document = await self._get(call)
        found = [parts.gateway_response_of(document, kind) for kind in DEFAULTS]
        return page_of(found, call.params.get("position"), call.params.get("limit")).members

    async def update_gateway_response(self, call: Call) -> Answer:
        kind = call.params["responseType"]
        return await self._change(call, lambda it: parts.update_gateway_response(it, kind, operations(call)))

    async def delete_gateway_response(self, call: Call) -> Answer:
        await self._change(call, lambda it: parts.remove_gateway_response(it, call.params["responseType"]))
        return NOTHING

    async def _get(self, call: Call) -> Document:
        return await self._apis.get(where(call), call.params["restApiId"])

    async def _list(self, call: Call, kind: str) -> Answer:
        found = list((await self._get(call))[kind].values())
        return page_of(found, call.params.get("position"), call.params.get("limit")).members

    async def _change(self, call: Call, work: Callable[[Document], T]) -> T:
        return await self._apis.change(where(call), call.params["restApiId"], work)
