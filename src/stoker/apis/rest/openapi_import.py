"""OpenAPI documents with API Gateway's extensions, as an API. Pure.

Source: "Working with API Gateway extensions to OpenAPI" in the API Gateway developer guide.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from stoker.apis.errors import BadRequestException
from stoker.apis.rest import methods, parts
from stoker.apis.rest.documents import Document, check_endpoint_types, default_models, method_of
from stoker.apis.rest.openapi_reading import OpenApi
from stoker.apis.rest.openapi_security import Security, read_security
from stoker.apis.rest.resources import resource_at
from stoker.model.errors import NotBuiltError

_MODEL_PLACE = "https://apigateway.amazonaws.com/restapis/{}/models/"
_REFERENCE = re.compile(r"#/(?:definitions|components/schemas)/")
_PLACES = {"header": "header", "query": "querystring", "path": "path"}
_INTEGRATION = (
    "uri",
    "httpMethod",
    "credentials",
    "requestParameters",
    "requestTemplates",
    "timeoutInMillis",
    "cacheNamespace",
    "cacheKeyParameters",
    "tlsConfig",
)


def api_members(source: OpenApi, parameters: Mapping[str, str]) -> Document:
    """What a document says of the API itself."""
    endpoint = source.extension("endpoint-configuration") or {}
    if endpoint.get("vpcEndpointIds"):
        raise NotBuiltError("Private APIs are not there yet in Stoker.")
    policy, members = source.extension("policy"), dict[str, Any]()
    types = parameters.get("endpointConfigurationTypes") or ",".join(endpoint.get("types") or ())
    if types:
        check_endpoint_types(types.split(","))
        members["endpointConfiguration"] = {"types": types.split(","), "ipAddressType": "ipv4"}
    return {
        "name": source.title,
        "description": source.info.get("description"),
        "version": None if source.info.get("version") is None else str(source.info["version"]),
        "binaryMediaTypes": source.extension("binary-media-types") or None,
        "minimumCompressionSize": source.extension("minimum-compression-size"),
        "apiKeySource": source.extension("api-key-source"),
        "disableExecuteApiEndpoint": endpoint.get("disableExecuteApiEndpoint"),
        "policy": None if policy is None else json.dumps(policy),
        **members,
    }


def fill(document: Document, source: OpenApi, *, base_path: str = "ignore", overwrite: bool = True) -> None:
    """Make an API of the document's: in place of what it has, or in addition to it.

    Resources and authorizers that stay keep their ids. Raises BadRequestException and the like, as the operations that
    make each part do.
    """
    if base_path not in ("ignore", "prepend", "split"):
        raise BadRequestException(f"Invalid basepath: {base_path}")
    if base_path == "split":
        raise NotBuiltError("basepath=split is not there yet in Stoker.")
    if overwrite:
        for resource in document["resources"].values():
            resource["resourceMethods"] = {}
        document["models"], document["validators"] = default_models(), {}
        document["gatewayResponses"] = {}
    _Import(document, source, prefix=source.base_path if base_path == "prepend" else "").run(overwrite=overwrite)


class _Import:
    def __init__(self, document: Document, source: OpenApi, *, prefix: str) -> None:
        self._document = document
        self._source = source
        self._prefix = prefix
        self._place = _MODEL_PLACE.format(document["api"]["id"])
        self._validators: dict[str, str] = {}

    def run(self, *, overwrite: bool) -> None:
        document, source = self._document, self._source
        for name, schema in source.schemas.items():
            self._keep_model(name, schema)
        for name, given in (source.extension("request-validators") or {}).items():
            made = parts.add_validator(document, {"name": name, **given})
            self._validators[name] = made["id"]
        security = read_security(document, source, overwrite=overwrite)
        kept = {document["api"]["rootResourceId"]}
        for path, http_method, operation in source.operations():
            resource = resource_at(document, self._prefix + path)
            kept.add(resource["id"])
            if http_method:
                self._add_method(resource, http_method, operation, security)
        for kind, given in (source.extension("gateway-responses") or {}).items():
            members = {key: given[key] for key in ("responseParameters", "responseTemplates") if given.get(key)}
            status = {} if given.get("statusCode") is None else {"statusCode": str(given["statusCode"])}
            parts.put_gateway_response(document, kind, {**status, **members})
        if overwrite:
            self._drop_resources_but(kept)

    def _drop_resources_but(self, kept: set[str]) -> None:
        resources = self._document["resources"]
        needed = set(kept)
        for each in kept:
            while (each := resources[each].get("parentId", "")) != "":
                needed.add(each)
        self._document["resources"] = {key: it for key, it in resources.items() if key in needed}

    def _keep_model(self, name: str, schema: Mapping[str, Any]) -> None:
        self._document["models"].pop(name, None)
        given = {"name": name, "contentType": "application/json", "schema": self._schema_text(schema)}
        parts.add_model(self._document, {**given, "description": schema.get("description")})

    def _schema_text(self, schema: Mapping[str, Any]) -> str:
        return _REFERENCE.sub(self._place, json.dumps(schema, indent=2))

    def _model_name(self, schema: Mapping[str, Any]) -> str:
        """The model that a schema refers to; one that stands where it is used becomes one of its own."""
        reference = schema.get("$ref")
        if isinstance(reference, str):
            return reference.rpartition("/")[2]
        text = self._schema_text(schema)
        for name, model in self._document["models"].items():
            if model.get("schema") == text:
                return str(name)
        name = f"MODEL{len(self._document['models'])}"
        self._keep_model(name, schema)
        return name

    def _add_method(
        self, resource: Document, http_method: str, operation: Mapping[str, Any], security: Security
    ) -> None:
        resource["resourceMethods"].pop(http_method, None)
        validator = operation.get("x-amazon-apigateway-request-validator")
        validator = validator or self._source.extension("request-validator")
        if validator is not None and validator not in self._validators:
            raise BadRequestException(f"Request validator {validator} is not defined.")
        given = {
            "operationName": operation.get("operationId"),
            "requestParameters": self._request_parameters(operation) or None,
            "requestModels": {key: self._model_name(it) for key, it in self._source.request_schemas(operation)} or None,
            "requestValidatorId": self._validators.get(validator or ""),
            **security.of_operation(operation),
        }
        made = {key: value for key, value in given.items() if value is not None}
        methods.put_method(self._document, resource["id"], http_method, made)
        self._add_responses(resource["id"], http_method, operation)
        integration = operation.get("x-amazon-apigateway-integration")
        if integration is not None:
            self._add_integration(resource["id"], http_method, integration)

    def _request_parameters(self, operation: Mapping[str, Any]) -> dict[str, bool]:
        return {
            f"method.request.{_PLACES[given['in']]}.{given['name']}": bool(given.get("required", False))
            for given in self._source.parameters(operation)
            if given.get("in") in _PLACES
        }

    def _add_responses(self, resource_id: str, http_method: str, operation: Mapping[str, Any]) -> None:
        for status, response in (operation.get("responses") or {}).items():
            if re.fullmatch(r"[1-5]\d\d", str(status)) is None:
                continue
            headers = {f"method.response.header.{name}": False for name in response.get("headers") or {}}
            schemas = self._source.response_schemas(operation, response)
            models = {content_type: self._model_name(schema) for content_type, schema in schemas}
            given: dict[str, Any] = {"responseParameters": headers} if headers else {}
            given |= {"responseModels": models} if models else {}
            methods.put_method_response(self._document, resource_id, http_method, str(status), given)

    def _add_integration(self, resource_id: str, http_method: str, integration: Mapping[str, Any]) -> None:
        given = {key: integration[key] for key in _INTEGRATION if integration.get(key) is not None}
        for key in ("type", "passthroughBehavior", "contentHandling", "connectionType", "responseTransferMode"):
            if integration.get(key):
                given[key] = str(integration[key]).upper()
        methods.put_integration(self._document, resource_id, http_method, given)
        for pattern, response in (integration.get("responses") or {}).items():
            self._add_integration_response(resource_id, http_method, pattern, response)

    def _add_integration_response(
        self, resource_id: str, http_method: str, pattern: str, response: Mapping[str, Any]
    ) -> None:
        status = str(response.get("statusCode", "200"))
        known = method_of(self._document, resource_id, http_method).setdefault("methodResponses", {})
        known.setdefault(status, {"statusCode": status})
        given = {key: response[key] for key in ("responseParameters", "responseTemplates") if response.get(key)}
        if response.get("contentHandling"):
            given["contentHandling"] = response["contentHandling"].upper()
        if pattern != "default":
            given["selectionPattern"] = pattern
        methods.put_integration_response(self._document, resource_id, http_method, status, given)
