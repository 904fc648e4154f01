"""An API's document: what it is made of, in the words of the API Gateway API.

    {"api": {…}, "resources": {id: {…, "resourceMethods": {"GET": {…, "methodIntegration": {…}}}}},
     "models": {name: …}, "validators": {id: …}, "authorizers": {id: …}, "gatewayResponses": {type: …}}

A transaction reads it, changes it and writes it back. The functions here find things in it and raise NotFoundException
with AWS's words where they are not.
"""

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

from stoker.apis import ids
from stoker.apis.errors import BadRequestException, NotFoundException
from stoker.model.errors import NotBuiltError

Document: TypeAlias = dict[str, Any]

ENDPOINT_TYPES = ("EDGE", "REGIONAL", "PRIVATE")


def new_document(api: Mapping[str, Any], *, api_id: str, now: float) -> Document:
    """An API with nothing but its root, and the two models that AWS gives to each."""
    root_id = ids.new_api_id()
    defaults = {
        "apiKeySource": "HEADER",
        "endpointConfiguration": {"types": ["EDGE"], "ipAddressType": "ipv4"},
        "disableExecuteApiEndpoint": False,
        "tags": {},
    }
    return {
        "api": {**defaults, **api, "id": api_id, "createdDate": int(now), "rootResourceId": root_id},
        "resources": {root_id: {"id": root_id, "path": "/", "resourceMethods": {}}},
        "models": default_models(),
        "validators": {},
        "authorizers": {},
        "gatewayResponses": {},
    }


def default_models() -> Document:
    return {
        "Empty": model("Empty", "This is a default empty schema model", {}),
        "Error": model(
            "Error", "This is a default error schema model", {"properties": {"message": {"type": "string"}}}
        ),
    }


def model(name: str, description: str, further: Mapping[str, Any]) -> Document:
    """A model of objects, with what else its schema says."""
    schema = {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "title": f"{name} Schema",
        "type": "object",
        **further,
    }
    return {
        "id": ids.new_part_id(),
        "name": name,
        "description": description,
        "schema": json.dumps(schema, indent=2),
        "contentType": "application/json",
    }


def resource_of(document: Document, resource_id: str) -> Document:
    resource: Document | None = document["resources"].get(resource_id)
    if resource is None:
        raise NotFoundException("Invalid Resource identifier specified")
    return resource


def method_of(document: Document, resource_id: str, http_method: str) -> Document:
    resource = document["resources"].get(resource_id)
    if resource is None:
        raise NotFoundException("Invalid Resource identifier specified")
    method: Document | None = resource["resourceMethods"].get(http_method)
    if method is None:
        raise NotFoundException("Invalid Method identifier specified")
    return method


def integration_of(document: Document, resource_id: str, http_method: str) -> Document:
    integration: Document | None = method_of(document, resource_id, http_method).get("methodIntegration")
    if integration is None:
        raise NotFoundException("Invalid Integration identifier specified")
    return integration


def part_of(document: Document, kind: str, part_id: str, said: str) -> Document:
    """A model, validator or authorizer; `said` is what AWS calls what was not found."""
    part: Document | None = document[kind].get(part_id)
    if part is None:
        raise NotFoundException(said)
    return part


def check_endpoint_types(types: list[str]) -> None:
    if len(types) != 1 or types[0] not in ENDPOINT_TYPES:
        raise BadRequestException("An endpoint configuration has exactly one of the types EDGE, REGIONAL and PRIVATE.")
    if types == ["PRIVATE"]:
        raise NotBuiltError("Private APIs are not there yet in Stoker.")
