"""OpenAPI 3 documents as HTTP APIs.

Source: "Use OpenAPI definitions for HTTP APIs" and "OpenAPI extensions for API Gateway" in the API Gateway Developer
Guide.
"""

from collections.abc import Mapping
from typing import Any

from stoker.apis.errors import BadRequestException
from stoker.apis.http.authorizers import AUTHORIZERS
from stoker.apis.http.draft import AUTHORIZER, INTEGRATION, ROUTE, Document, Draft
from stoker.apis.http.integrations import INTEGRATIONS
from stoker.apis.http.routes import ROUTES, TARGET_PREFIX
from stoker.apis.rest.openapi_reading import OpenApi

BASE_PATHS = ("ignore", "prepend", "split")
_EXTENSION = "x-amazon-apigateway-"
_DEFAULT_PATH = "/$default"
_INTEGRATION_MEMBERS = {
    "connectionType": "ConnectionType",
    "credentials": "CredentialsArn",
    "description": "Description",
    "httpMethod": "IntegrationMethod",
    "integrationSubtype": "IntegrationSubtype",
    "payloadFormatVersion": "PayloadFormatVersion",
    "requestParameters": "RequestParameters",
    "responseParameters": "ResponseParameters",
    "timeoutInMillis": "TimeoutInMillis",
    "tlsConfig": "TlsConfig",
    "uri": "IntegrationUri",
}
_AUTHORIZER_MEMBERS = {
    "authorizerCredentials": "AuthorizerCredentialsArn",
    "authorizerPayloadFormatVersion": "AuthorizerPayloadFormatVersion",
    "authorizerResultTtlInSeconds": "AuthorizerResultTtlInSeconds",
    "authorizerUri": "AuthorizerUri",
    "enableSimpleResponses": "EnableSimpleResponses",
}
_CORS_MEMBERS = {
    "allowCredentials": "AllowCredentials",
    "allowHeaders": "AllowHeaders",
    "allowMethods": "AllowMethods",
    "allowOrigins": "AllowOrigins",
    "exposeHeaders": "ExposeHeaders",
    "maxAge": "MaxAge",
}


def api_members(document: OpenApi) -> Document:
    """What the document says of the API itself. Raises BadRequestException."""
    if not document.is_v3:
        raise BadRequestException("Only OpenAPI 3.0 is supported for HTTP APIs.")
    if not document.title:
        raise BadRequestException("Unable to import the API: the document has no title.")
    given: Document = {"Name": document.title, "ProtocolType": "HTTP"}
    for source, name in (("version", "Version"), ("description", "Description")):
        if document.info.get(source):
            given[name] = str(document.info[source])
    cors = document.extension("cors")
    if cors:
        given["CorsConfiguration"] = _renamed(cors, _CORS_MEMBERS)
    given["Tags"] = {
        str(tag["name"]): str(tag[f"{_EXTENSION}tag-value"])
        for tag in document.document.get("tags") or ()
        if f"{_EXTENSION}tag-value" in tag
    }
    for server in document.document.get("servers") or ():
        if (server.get(f"{_EXTENSION}endpoint-configuration") or {}).get("disableExecuteApiEndpoint"):
            given["DisableExecuteApiEndpoint"] = True
    return given


def import_parts(draft: Draft, document: OpenApi, base_path: str) -> list[str]:
    """Give the API the document's routes, integrations and authorizers instead of its own; what is to be warned of."""
    for kind in (ROUTE, INTEGRATION, AUTHORIZER):
        for part_id in list(draft.all(kind)):
            draft.drop(kind, part_id)
    authorizers = {name: _authorizer(draft, name, scheme) for name, scheme in document.security_schemes.items()}
    shared: dict[str, str] = {}
    warnings: list[str] = []
    prefix = _prefix(document, base_path)
    for path, method, operation in document.operations():
        if not method:
            continue
        key = "$default" if path == _DEFAULT_PATH else f"{method} {prefix}{path}"
        integration = _integration(draft, document, operation, shared)
        if integration is None:
            warnings.append(f"The route {key} has no integration.")
        route: Document = {"RouteKey": key, **_security(document, operation, authorizers)}
        if integration is not None:
            route["Target"] = TARGET_PREFIX + integration
        if operation.get("operationId"):
            route["OperationName"] = str(operation["operationId"])[:64]
        ROUTES.create(draft, route)
    return warnings


def _prefix(document: OpenApi, base_path: str) -> str:
    """What of the document's base path goes before its paths; `split` leaves out its first part."""
    if base_path not in BASE_PATHS:
        raise BadRequestException(f"Invalid basepath: {base_path}. It should be one of ignore, prepend, split.")
    if base_path == "ignore":
        return ""
    if base_path == "prepend":
        return document.base_path
    rest = document.base_path.lstrip("/").partition("/")[2]
    return f"/{rest}" if rest else ""


def _integration(draft: Draft, document: OpenApi, operation: Mapping[str, Any], shared: dict[str, str]) -> str | None:
    """The id of an operation's integration; one that several operations refer to is made once."""
    given = operation.get(f"{_EXTENSION}integration")
    if not given:
        return None
    name = str(given.get("$ref", "")).rpartition("/")[2]
    if name in shared:
        return shared[name]
    if name:
        components = document.document.get("components") or {}
        given = (components.get(f"{_EXTENSION}integrations") or {}).get(name)
        if not given:
            raise BadRequestException(f"Invalid OpenAPI input: there is no integration {name}.")
    kind = str(given.get("type", "")).upper()
    part = INTEGRATIONS.create(draft, {"IntegrationType": kind, **_renamed(given, _INTEGRATION_MEMBERS)})
    if name:
        shared[name] = part["IntegrationId"]
    return str(part["IntegrationId"])


def _authorizer(draft: Draft, name: str, scheme: Mapping[str, Any]) -> Document | None:
    """The authorizer of a security scheme; None for one that is no more than a description."""
    given = scheme.get(f"{_EXTENSION}authorizer")
    if not given:
        return None
    sources = given.get("identitySource") or ()
    part = {
        "Name": name,
        "AuthorizerType": str(given.get("type", "")).upper(),
        "IdentitySource": [each.strip() for each in sources.split(",")] if isinstance(sources, str) else list(sources),
        **_renamed(given, _AUTHORIZER_MEMBERS),
    }
    jwt = given.get("jwtConfiguration") or {}
    if jwt:
        part["JwtConfiguration"] = {"Issuer": jwt.get("issuer", ""), "Audience": list(jwt.get("audience") or ())}
    if part["AuthorizerType"] not in ("JWT", "REQUEST"):
        raise BadRequestException(f"Invalid OpenAPI input: the authorizer {name} is neither jwt nor request.")
    return AUTHORIZERS.create(draft, part)


def _security(
    document: OpenApi, operation: Mapping[str, Any], authorizers: Mapping[str, Document | None]
) -> Mapping[str, Any]:
    """What a route needs, by its operation's first requirement, or the document's."""
    requirements = operation.get("security", document.document.get("security")) or ()
    for name, scopes in (pair for requirement in requirements for pair in requirement.items()):
        scheme, authorizer = document.security_schemes.get(name) or {}, authorizers.get(name)
        if authorizer is not None:
            kind = "JWT" if authorizer["AuthorizerType"] == "JWT" else "CUSTOM"
            limited = {"AuthorizationScopes": list(scopes)} if kind == "JWT" and scopes else {}
            return {"AuthorizationType": kind, "AuthorizerId": authorizer["AuthorizerId"], **limited}
        if str(scheme.get(f"{_EXTENSION}authtype", "")).lower() == "awssigv4":
            return {"AuthorizationType": "AWS_IAM"}
    return {}


def _renamed(given: Mapping[str, Any], names: Mapping[str, str]) -> Document:
    return {name: given[source] for source, name in names.items() if given.get(source) is not None}
