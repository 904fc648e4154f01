"""A deployed API as an OpenAPI document. Pure.

Source: "Export a REST API from API Gateway" in the API Gateway developer guide.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from stoker.apis.rest.documents import Document
from stoker.model.access import Where

_MODEL = re.compile(r"https://apigateway\.amazonaws\.com/restapis/[^/\"]+/models/")
_PLACES = {"header": "header", "querystring": "query", "path": "path"}
INTEGRATIONS, AUTHORIZERS, EVERYTHING = "integrations", "authorizers", "apigateway"
_INTEGRATION = (
    "uri",
    "httpMethod",
    "credentials",
    "requestParameters",
    "requestTemplates",
    "timeoutInMillis",
    "cacheNamespace",
    "cacheKeyParameters",
)


def export(
    snapshot: Document, stage: Document, *, oas30: bool, extensions: frozenset[str], where: Where
) -> dict[str, Any]:
    """`extensions` are those of API Gateway that are wanted: `integrations`, `authorizers` or `apigateway` for all."""
    return _Export(snapshot, stage, oas30, extensions, where).document()


def to_yaml(document: Mapping[str, Any]) -> str:
    """Its writer takes 100 ms to load: so it is when it is first asked for."""
    import yaml

    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))


class _Export:
    def __init__(
        self, snapshot: Document, stage: Document, oas30: bool, extensions: frozenset[str], where: Where
    ) -> None:
        self._snapshot = snapshot
        self._stage = stage
        self._oas30 = oas30
        self._extensions = extensions
        self._where = where
        self._references = "#/components/schemas/" if oas30 else "#/definitions/"

    def document(self) -> dict[str, Any]:
        api, schemas, security = self._snapshot["api"], self._schemas(), self._security()
        info = {"title": api["name"], "description": api.get("description"), "version": api.get("version", "1.0")}
        further = self._further() if EVERYTHING in self._extensions else {}
        kept = {key: value for key, value in info.items() if value is not None}
        if self._oas30:
            components = {"schemas": schemas, "securitySchemes": security}
            return {
                "openapi": "3.0.1",
                "info": kept,
                "servers": [
                    {"url": f"https://{self._host}/{{basePath}}", "variables": {"basePath": {"default": self._base}}}
                ],
                "paths": self._paths(),
                "components": {key: value for key, value in components.items() if value},
                **further,
            }
        return {
            "swagger": "2.0",
            "info": kept,
            "host": self._host,
            "basePath": f"/{self._base}",
            "schemes": ["https"],
            "paths": self._paths(),
            **({"securityDefinitions": security} if security else {}),
            **({"definitions": schemas} if schemas else {}),
            **further,
        }

    @property
    def _host(self) -> str:
        return f"{self._snapshot['api']['id']}.execute-api.{self._where.region}.amazonaws.com"

    @property
    def _base(self) -> str:
        return str(self._stage["stageName"])

    def _schemas(self) -> dict[str, Any]:
        models = self._snapshot["models"].values()
        return {model["name"]: self._schema(model.get("schema") or "{}") for model in models}

    def _schema(self, text: str) -> Any:
        schema = json.loads(_MODEL.sub(self._references, text))
        return {key: value for key, value in schema.items() if key != "$schema"}

    def _security(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        resources = self._snapshot["resources"].values()
        methods = [it for resource in resources for it in resource["resourceMethods"].values()]
        if any(method["apiKeyRequired"] for method in methods):
            found["api_key"] = {"type": "apiKey", "name": "x-api-key", "in": "header"}
        if any(method["authorizationType"] == "AWS_IAM" for method in methods):
            scheme = {"type": "apiKey", "name": "Authorization", "in": "header"}
            found["sigv4"] = {**scheme, "x-amazon-apigateway-authtype": "awsSigv4"}
        for authorizer in self._snapshot["authorizers"].values():
            found[authorizer["name"]] = self._authorizer(authorizer)
        return found

    def _authorizer(self, authorizer: Mapping[str, Any]) -> dict[str, Any]:
        source = authorizer.get("identitySource") or ""
        named = source.rpartition(".")[2] if authorizer["type"] == "TOKEN" else "Unused"
        scheme = {"type": "apiKey", "name": named, "in": "header"}
        if not self._extensions & {AUTHORIZERS, EVERYTHING}:
            return scheme
        members = {
            "type": authorizer["type"].lower(),
            "authorizerUri": authorizer["authorizerUri"],
            "authorizerCredentials": authorizer.get("authorizerCredentials"),
            "authorizerResultTtlInSeconds": authorizer.get("authorizerResultTtlInSeconds"),
            "identitySource": source if authorizer["type"] == "REQUEST" else None,
            "identityValidationExpression": authorizer.get("identityValidationExpression"),
        }
        return {
            **scheme,
            "x-amazon-apigateway-authtype": authorizer.get("authType", "custom"),
            "x-amazon-apigateway-authorizer": {key: it for key, it in members.items() if it is not None},
        }

    def _paths(self) -> dict[str, Any]:
        paths: dict[str, Any] = {}
        for resource in sorted(self._snapshot["resources"].values(), key=lambda it: str(it["path"])):
            for name, method in resource["resourceMethods"].items():
                key = "x-amazon-apigateway-any-method" if name == "ANY" else name.lower()
                paths.setdefault(resource["path"], {})[key] = self._operation(method)
        return paths

    def _operation(self, method: Mapping[str, Any]) -> dict[str, Any]:
        operation: dict[str, Any] = {}
        if method.get("operationName"):
            operation["operationId"] = method["operationName"]
        models = method.get("requestModels") or {}
        parameters = [self._parameter(*it) for it in (method.get("requestParameters") or {}).items()]
        if models and self._oas30:
            operation["requestBody"] = {"content": self._content(models), "required": True}
        elif models:
            operation["consumes"] = list(models)
            name = next(iter(models.values()))
            parameters.append({"in": "body", "name": name, "required": True, "schema": self._reference(name)})
        if not self._oas30:
            operation["produces"] = ["application/json"]
        if parameters:
            operation["parameters"] = parameters
        responses = method.get("methodResponses") or {}
        operation["responses"] = {status: self._response(response) for status, response in responses.items()}
        if security := self._requirements(method):
            operation["security"] = security
        if self._extensions & {INTEGRATIONS, EVERYTHING}:
            operation["x-amazon-apigateway-integration"] = _integration(method["methodIntegration"])
        if EVERYTHING in self._extensions and method.get("requestValidatorId"):
            validator = self._snapshot["validators"][method["requestValidatorId"]]
            operation["x-amazon-apigateway-request-validator"] = validator["name"]
        return operation

    def _requirements(self, method: Mapping[str, Any]) -> list[dict[str, list[str]]]:
        names = ["api_key"] if method["apiKeyRequired"] else []
        if method["authorizationType"] == "AWS_IAM":
            names.append("sigv4")
        authorizer = self._snapshot["authorizers"].get(method.get("authorizerId") or "")
        if authorizer is not None:
            names.append(authorizer["name"])
        return [{name: []} for name in names]

    def _parameter(self, place: str, required: bool) -> dict[str, Any]:
        kind, _, name = place.removeprefix("method.request.").partition(".")
        typed: dict[str, Any] = {"schema": {"type": "string"}} if self._oas30 else {"type": "string"}
        shown = {"name": name, "in": _PLACES[kind.removeprefix("multivalue")]}
        return {**shown, "required": required or kind == "path", **typed}

    def _response(self, response: Mapping[str, Any]) -> dict[str, Any]:
        shown: dict[str, Any] = {"description": f"{response['statusCode']} response"}
        names = [name.removeprefix("method.response.header.") for name in response.get("responseParameters") or {}]
        if names:
            typed: dict[str, Any] = {"schema": {"type": "string"}} if self._oas30 else {"type": "string"}
            shown["headers"] = dict.fromkeys(names, typed)
        models = response.get("responseModels") or {}
        if models and self._oas30:
            shown["content"] = self._content(models)
        elif models:
            shown["schema"] = self._reference(next(iter(models.values())))
        return shown

    def _content(self, models: Mapping[str, str]) -> dict[str, Any]:
        return {content_type: {"schema": self._reference(name)} for content_type, name in models.items()}

    def _reference(self, name: str) -> dict[str, str]:
        return {"$ref": self._references + name}

    def _further(self) -> dict[str, Any]:
        api, found = self._snapshot["api"], dict[str, Any]()
        if api.get("binaryMediaTypes"):
            found["x-amazon-apigateway-binary-media-types"] = api["binaryMediaTypes"]
        if api.get("minimumCompressionSize") is not None:
            found["x-amazon-apigateway-minimum-compression-size"] = api["minimumCompressionSize"]
        if api.get("policy"):
            found["x-amazon-apigateway-policy"] = json.loads(api["policy"])
        if self._snapshot["gatewayResponses"]:
            found["x-amazon-apigateway-gateway-responses"] = self._snapshot["gatewayResponses"]
        if validators := self._snapshot["validators"].values():
            found["x-amazon-apigateway-request-validators"] = {
                it["name"]: {key: it[key] for key in ("validateRequestBody", "validateRequestParameters")}
                for it in validators
            }
        return found


def _integration(integration: Mapping[str, Any]) -> dict[str, Any]:
    shown = {key: integration[key] for key in _INTEGRATION if integration.get(key)}
    for key in ("type", "passthroughBehavior"):
        shown[key] = integration[key].lower()
    if integration.get("contentHandling"):
        shown["contentHandling"] = integration["contentHandling"]
    responses = integration.get("integrationResponses") or {}
    shown["responses"] = {
        response.get("selectionPattern") or "default": {
            key: response[key]
            for key in ("statusCode", "responseParameters", "responseTemplates", "contentHandling")
            if response.get(key)
        }
        for response in responses.values()
    }
    return shown
