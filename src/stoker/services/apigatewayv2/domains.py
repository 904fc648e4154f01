"""Custom domain names, and which stages of APIs they lead to."""

from collections.abc import Mapping
from typing import Any

from stoker.apis.domains import REST_ENDPOINT_TYPE, Domains
from stoker.model.errors import NotBuiltError
from stoker.services.apigatewayv2.shapes import page, shown
from stoker.wire.message import Call

Answer = Mapping[str, Any]
_SELECTION = "$request.basepath"


class DomainOperations:
    def __init__(self, domains: Domains) -> None:
        self._domains = domains

    async def create_domain_name(self, call: Call) -> Answer:
        _check(call.params)
        given = {name: call.params[name] for name in ("DomainNameConfigurations", "Tags") if call.params.get(name)}
        return _shown(await self._domains.create(call.region, call.params["DomainName"], given))

    async def get_domain_name(self, call: Call) -> Answer:
        return _shown(await self._domains.get(call.region, call.params["DomainName"]))

    async def get_domain_names(self, call: Call) -> Answer:
        found = page(await self._domains.all(call.region), call.params)
        return {**found, "Items": [_shown(each) for each in found["Items"]]}

    async def update_domain_name(self, call: Call) -> Answer:
        _check(call.params)
        given = {name: call.params[name] for name in ("DomainNameConfigurations",) if call.params.get(name)}
        return _shown(await self._domains.update(call.region, call.params["DomainName"], given))

    async def delete_domain_name(self, call: Call) -> Answer:
        await self._domains.delete(call.region, call.params["DomainName"])
        return {}

    async def create_api_mapping(self, call: Call) -> Answer:
        params = call.params
        return await self._domains.map(
            call.region, params["DomainName"], params.get("ApiMappingKey", ""), params["ApiId"], params["Stage"]
        )

    async def get_api_mapping(self, call: Call) -> Answer:
        return await self._domains.mapping(call.region, call.params["DomainName"], call.params["ApiMappingId"])

    async def get_api_mappings(self, call: Call) -> Answer:
        return page(await self._domains.mappings(call.region, call.params["DomainName"]), call.params)

    async def update_api_mapping(self, call: Call) -> Answer:
        params = call.params
        return await self._domains.remap(
            call.region,
            params["DomainName"],
            params["ApiMappingId"],
            key=params.get("ApiMappingKey"),
            api_id=params["ApiId"],
            stage=params.get("Stage"),
        )

    async def delete_api_mapping(self, call: Call) -> Answer:
        await self._domains.unmap(call.region, call.params["DomainName"], call.params["ApiMappingId"])
        return {}


def _check(params: Mapping[str, Any]) -> None:
    if params.get("MutualTlsAuthentication"):
        raise NotBuiltError("Mutual TLS is not there yet in Stoker.")
    if params.get("RoutingMode") not in (None, "API_MAPPING_ONLY"):
        raise NotBuiltError("Routing rules are not there yet in Stoker.")


def _shown(domain: Mapping[str, Any]) -> dict[str, Any]:
    members = {name: value for name, value in domain.items() if name != REST_ENDPOINT_TYPE}
    return {"ApiMappingSelectionExpression": _SELECTION, **shown(members)}
