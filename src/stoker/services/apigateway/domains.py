"""Custom domain names with their base paths. HTTP APIs have the same names: they are `apis.domains`."""

from collections.abc import Mapping
from typing import Any

from stoker.apis.domains import REST_ENDPOINT_TYPE, Domains
from stoker.apis.errors import BadRequestException, NotFoundException
from stoker.apis.rest.documents import check_endpoint_types
from stoker.apis.rest.pages import page_of
from stoker.model.errors import NotBuiltError
from stoker.services.apigateway.words import NOTHING, Answer, operations
from stoker.wire.message import Call

NO_PATH = "(none)"
"""How a base path that is empty is called."""

_UNBUILT = ("mutualTlsAuthentication", "policy", "endpointAccessMode", "certificateBody", "certificatePrivateKey")
# By the path of a patch: the member of the name's configuration.
_PATCHED = {
    "/certificateArn": "CertificateArn",
    "/certificateName": "CertificateName",
    "/regionalCertificateArn": "CertificateArn",
    "/regionalCertificateName": "CertificateName",
    "/securityPolicy": "SecurityPolicy",
}


class DomainOperations:
    def __init__(self, domains: Domains) -> None:
        self._domains = domains

    async def create_domain_name(self, call: Call) -> Answer:
        params = call.params
        for name in _UNBUILT:
            if params.get(name):
                raise NotBuiltError(f"{name} of a domain name is not there yet in Stoker.")
        types = (params.get("endpointConfiguration") or {}).get("types") or ["EDGE"]
        check_endpoint_types(types)
        configuration = {
            "CertificateArn": params.get("regionalCertificateArn") or params.get("certificateArn"),
            "CertificateName": params.get("regionalCertificateName") or params.get("certificateName"),
            "SecurityPolicy": params.get("securityPolicy"),
        }
        members = {key: value for key, value in configuration.items() if value}
        given = {"DomainNameConfigurations": [members], "Tags": params.get("tags") or {}, REST_ENDPOINT_TYPE: types[0]}
        return _shown(await self._domains.create(call.region, params["domainName"], given))

    async def get_domain_name(self, call: Call) -> Answer:
        return _shown(await self._domains.get(call.region, call.params["domainName"]))

    async def get_domain_names(self, call: Call) -> Answer:
        found = [_shown(each) for each in await self._domains.all(call.region)]
        return page_of(found, call.params.get("position"), call.params.get("limit")).members

    async def update_domain_name(self, call: Call) -> Answer:
        name = call.params["domainName"]
        domain = await self._domains.get(call.region, name)
        configuration = dict(domain["DomainNameConfigurations"][0])
        for operation in operations(call):
            member = _PATCHED.get(operation.get("path", ""))
            if member is None or operation.get("op") not in ("add", "replace"):
                raise BadRequestException(f"Invalid patch path  '{operation.get('path')}' specified")
            configuration[member] = operation.get("value")
        return _shown(await self._domains.update(call.region, name, {"DomainNameConfigurations": [configuration]}))

    async def delete_domain_name(self, call: Call) -> Answer:
        await self._domains.delete(call.region, call.params["domainName"])
        return NOTHING

    async def create_base_path_mapping(self, call: Call) -> Answer:
        params = call.params
        if not params.get("stage"):
            raise NotBuiltError("Base paths without a stage are not there yet in Stoker.")
        made = await self._domains.map(
            call.region, params["domainName"], _key(params.get("basePath")), params["restApiId"], params["stage"]
        )
        return _mapping(made)

    async def get_base_path_mapping(self, call: Call) -> Answer:
        return _mapping(await self._find(call))

    async def get_base_path_mappings(self, call: Call) -> Answer:
        found = [_mapping(each) for each in await self._domains.mappings(call.region, call.params["domainName"])]
        return page_of(found, call.params.get("position"), call.params.get("limit")).members

    async def update_base_path_mapping(self, call: Call) -> Answer:
        before = await self._find(call)
        patched = {"basePath": before["ApiMappingKey"], "restapiId": before["ApiId"], "stage": before["Stage"]}
        for operation in operations(call):
            name = operation.get("path", "").removeprefix("/")
            if name not in patched or operation.get("op") != "replace":
                raise BadRequestException(f"Invalid patch path  '/{name}' specified for op '{operation.get('op')}'")
            patched[name] = operation.get("value") or ""
        changed = await self._domains.remap(
            call.region,
            call.params["domainName"],
            before["ApiMappingId"],
            key=_key(patched["basePath"]),
            api_id=patched["restapiId"],
            stage=patched["stage"],
        )
        return _mapping(changed)

    async def delete_base_path_mapping(self, call: Call) -> Answer:
        found = await self._find(call)
        await self._domains.unmap(call.region, call.params["domainName"], found["ApiMappingId"])
        return NOTHING

    async def _find(self, call: Call) -> Mapping[str, Any]:
        key = _key(call.params["basePath"])
        for mapping in await self._domains.mappings(call.region, call.params["domainName"]):
            if mapping["ApiMappingKey"] == key:
                return mapping
        raise NotFoundException("Invalid base path mapping identifier specified")


def _key(base_path: str | None) -> str:
    return "" if base_path in (None, NO_PATH) else base_path or ""


def _mapping(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return {"basePath": mapping["ApiMappingKey"] or NO_PATH, "restApiId": mapping["ApiId"], "stage": mapping["Stage"]}


def _shown(domain: Mapping[str, Any]) -> dict[str, Any]:
    """One that an HTTP API's operations made is regional."""
    configuration, kind = domain["DomainNameConfigurations"][0], domain.get(REST_ENDPOINT_TYPE, "REGIONAL")
    target = configuration["ApiGatewayDomainName"]
    place = (
        {"regionalDomainName": target, "regionalHostedZoneId": "Z1UJRXOUMOOFQ8"}
        if kind == "REGIONAL"
        else {"distributionDomainName": target, "distributionHostedZoneId": "Z2FDTNDATAQYW2"}
    )
    prefix = "regionalCertificate" if kind == "REGIONAL" else "certificate"
    return {
        "domainName": domain["DomainName"],
        f"{prefix}Arn": configuration.get("CertificateArn"),
        f"{prefix}Name": configuration.get("CertificateName"),
        **place,
        "endpointConfiguration": {"types": [kind], "ipAddressType": configuration["IpAddressType"]},
        "domainNameStatus": configuration["DomainNameStatus"],
        "securityPolicy": configuration["SecurityPolicy"],
        "tags": domain.get("Tags") or None,
    }
