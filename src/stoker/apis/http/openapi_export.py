"""HTTP APIs as OpenAPI 3 documents, which `openapi_import` reads again.

Source: "Export HTTP APIs from API Gateway" in the API Gateway Developer Guide.
"""

import json
import re
from collections.abc import Mapping

from stoker.apis.http.draft import AUTHORIZER, INTEGRATION, ROUTE, Document, Draft, Snapshot
from stoker.apis.http.route_key import DEFAULT, parse_route_key
from stoker.apis.http.routes import TARGET_PREFIX

VERSION = "1.0"
_EXTENSION = "x-amazon-apigateway-"
_VARIABLE = re.compile(r"\{([^}+]+)\+?\}")
_INTEGRATION_MEMBERS = {
    "PayloadFormatVersion": "payloadFormatVersion",
    "IntegrationMethod": "httpMethod",
    "IntegrationUri": "uri",
    "ConnectionType": "connectionType",
    "CredentialsArn": "credentials",
    "TimeoutInMillis": "timeoutInMillis",
    "RequestParameters": "requestParameters",
    "ResponseParameters": "responseParameters",
}
_AUTHORIZER_MEMBERS = {
    "AuthorizerUri": "authorizerUri",
    "AuthorizerPayloadFormatVersion": "authorizerPayloadFormatVersion",
    "AuthorizerResultTtlInSeconds": "authorizerResultTtlInSeconds",
    "EnableSimpleResponses": "enableSimpleResponses",
    "AuthorizerCredentialsArn": "authorizerCredentials",
}


def export_api(draft: Draft, deployed: Snapshot | None, address: str, *, extensions: bool) -> Document:
    """The document: of what is deployed, or of the API as it is."""
    parts: Mapping[str, Mapping[str, Document]] = draft.parts if deployed is None else deployed
    authorizers = parts.get(AUTHORIZER, {})
    paths: dict[str, Document] = {}
    for route in sorted(parts.get(ROUTE, {}).values(), key=lambda each: str(each["RouteKey"])):
        path, method = _place(str(route["RouteKey"]))
        paths.setdefault(path, {})[method] = _operation(route, path, parts, authorizers, extensions=extensions)
    schemes = {each["Name"]: _scheme(each, extensions=extensions) for each in authorizers.values()}
    if any(route["AuthorizationType"] == "AWS_IAM" for route in parts.get(ROUTE, {}).values()):
        schemes["sigv4"] = {"type": "apiKey", "name": "Authorization", "in": "header"}
        if extensions:
            schemes["sigv4"][f"{_EXTENSION}authtype"] = "awsSigv4"
    return {
        "openapi": "3.0.1",
        "info": _info(draft.api),
        "servers": [{"url": address}],
        "paths": paths,
        **({"components": {"securitySchemes": schemes}} if schemes else {}),
        **(_of_the_api(draft.api) if extensions else {}),
    }


def written(document: Document, output: str) -> bytes:
    """The document's text, `JSON` or `YAML`."""
    if output == "JSON":
        return json.dumps(document, indent=2).encode()
    import yaml

    text: str = yaml.safe_dump(document, sort_keys=False)
    return text.encode()


def _info(api: Document) -> Document:
    described = {"description": api["Description"]} if api.get("Description") else {}
    return {"title": api["Name"], **described, "version": api.get("Version", "")}


def _of_the_api(api: Document) -> Document:
    cors = api.get("CorsConfiguration")
    lower = {f"{name[0].lower()}{name[1:]}": value for name, value in (cors or {}).items()}
    return {**({f"{_EXTENSION}cors": lower} if cors else {}), f"{_EXTENSION}importexport-version": VERSION}


def _place(key: str) -> tuple[str, str]:
    if key == DEFAULT:
        return f"/{DEFAULT}", f"{_EXTENSION}any-method"
    parsed = parse_route_key(key)
    return parsed.path, f"{_EXTENSION}any-method" if parsed.method == "ANY" else parsed.method.lower()


def _operation(
    route: Document,
    path: str,
    parts: Mapping[str, Mapping[str, Document]],
    authorizers: Mapping[str, Document],
    *,
    extensions: bool,
) -> Document:
    name = route.get("OperationName")
    variables = [
        {"name": variable, "in": "path", "required": True, "schema": {"type": "string"}}
        for variable in _VARIABLE.findall(path)
    ]
    operation: Document = {
        **({"operationId": name} if name else {}),
        **({"parameters": variables} if variables else {}),
        "responses": {"default": {"description": f"Default response for {route['RouteKey']}"}},
    }
    authorizer = authorizers.get(route.get("AuthorizerId", ""))
    if authorizer is not None:
        operation["security"] = [{authorizer["Name"]: list(route.get("AuthorizationScopes", ()))}]
    elif route["AuthorizationType"] == "AWS_IAM":
        operation["security"] = [{"sigv4": []}]
    integration = parts.get(INTEGRATION, {}).get(route.get("Target", "").removeprefix(TARGET_PREFIX))
    if extensions and integration is not None:
        operation[f"{_EXTENSION}integration"] = {
            "type": integration["IntegrationType"].lower(),
            **_renamed(integration, _INTEGRATION_MEMBERS),
        }
    if extensions and route["RouteKey"] == DEFAULT:
        operation["isDefaultRoute"] = True
    return operation


def _scheme(authorizer: Document, *, extensions: bool) -> Document:
    jwt = authorizer.get("JwtConfiguration")
    kind: Document = (
        {"type": "oauth2", "flows": {}} if jwt else {"type": "apiKey", "name": "Authorization", "in": "header"}
    )
    if not extensions:
        return kind
    given: Document = {
        "type": authorizer["AuthorizerType"].lower(),
        "identitySource": ",".join(authorizer.get("IdentitySource", ())),
        **_renamed(authorizer, _AUTHORIZER_MEMBERS),
    }
    if jwt:
        given["jwtConfiguration"] = {"issuer": jwt["Issuer"], "audience": list(jwt["Audience"])}
    return {**kind, f"{_EXTENSION}authorizer": given}


def _renamed(given: Document, names: Mapping[str, str]) -> Document:
    return {name: given[source] for source, name in names.items() if given.get(source) not in (None, {})}
