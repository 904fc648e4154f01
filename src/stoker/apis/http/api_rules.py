"""What an API itself may be, and the parts that one made in one call begins with."""

import re
from collections.abc import Mapping
from typing import Any

from stoker.apis.errors import BadRequestException
from stoker.apis.functions import function_arn
from stoker.apis.http.draft import HTTP, INTEGRATION, ROUTE, STAGE, Document, Draft
from stoker.apis.http.integrations import INTEGRATIONS
from stoker.apis.http.routes import ROUTES, TARGET_PREFIX
from stoker.apis.http.stages import DEFAULT_STAGE, STAGES
from stoker.model.errors import NotBuiltError

MEMBERS = (
    "ApiKeySelectionExpression",
    "CorsConfiguration",
    "Description",
    "DisableExecuteApiEndpoint",
    "DisableSchemaValidation",
    "IpAddressType",
    "Name",
    "ProtocolType",
    "RouteSelectionExpression",
    "Tags",
    "Version",
)
QUICK_CREATE = ("CredentialsArn", "RouteKey", "Target")
HTTP_SELECTION = "$request.method $request.path"
KEY_SELECTION = "$request.header.x-api-key"
MAX_TAGS = 50
_BODY_SELECTION = re.compile(r"\$request\.body\.[A-Za-z0-9_.-]+")
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "*"})


def check_api(api: Document, before: Document | None) -> Document:
    """A new or changed API, completed. Raises BadRequestException."""
    api = {
        "ApiKeySelectionExpression": KEY_SELECTION,
        "DisableExecuteApiEndpoint": False,
        "IpAddressType": "ipv4",
        "Tags": {},
        **api,
    }
    if api["ProtocolType"] == HTTP:
        api = {"RouteSelectionExpression": HTTP_SELECTION, **api}
        if api["RouteSelectionExpression"] not in (HTTP_SELECTION, "${request.method} ${request.path}"):
            raise BadRequestException(f'RouteSelectionExpression must be "{HTTP_SELECTION}" for HTTP protocol APIs')
    else:
        _check_websocket(api)
    if api["ApiKeySelectionExpression"] != KEY_SELECTION:
        raise NotBuiltError("API keys for WebSocket APIs are not there yet in Stoker.")
    if api["IpAddressType"] != "ipv4":
        raise NotBuiltError("Stoker listens where `stoker up --host` says, for all APIs.")
    if len(api["Tags"]) > MAX_TAGS:
        raise BadRequestException(f"An API has at most {MAX_TAGS} tags.")
    if api.get("CorsConfiguration"):
        check_cors(api["CorsConfiguration"])
    return api


def _check_websocket(api: Document) -> None:
    selection = api.get("RouteSelectionExpression")
    if selection is None:
        raise BadRequestException("RouteSelectionExpression is a required parameter for WebSocket APIs")
    if _BODY_SELECTION.fullmatch(selection.replace("${", "$").replace("}", "")) is None:
        raise BadRequestException(f"Invalid RouteSelectionExpression: {selection}")
    if api.get("CorsConfiguration"):
        raise BadRequestException("CORS is for HTTP APIs only.")


def check_cors(cors: Mapping[str, Any]) -> None:
    """Raises BadRequestException."""
    if cors.get("AllowCredentials") and "*" in cors.get("AllowOrigins", ()):
        raise BadRequestException("Allow-Credentials is not supported with wildcard origins.")
    for method in cors.get("AllowMethods", ()):
        if method not in _METHODS:
            raise BadRequestException(f"Invalid method in AllowMethods: {method}")
    for origin in cors.get("AllowOrigins", ()):
        if origin != "*" and "://" not in origin:
            raise BadRequestException(f"Invalid origin in AllowOrigins: {origin}. It needs a scheme.")


def check_quick_create(given: Mapping[str, Any]) -> None:
    """Raises BadRequestException."""
    if given["ProtocolType"] != HTTP and any(given.get(name) for name in QUICK_CREATE):
        raise BadRequestException("Quick create is for HTTP APIs only.")
    if not given.get("Target") and any(given.get(name) for name in ("CredentialsArn", "RouteKey")):
        raise BadRequestException("CredentialsArn and RouteKey need a Target.")


def quick_create(draft: Draft, given: Mapping[str, Any], now: float) -> None:
    """An integration, a route to it, and a stage that deploys by itself."""
    integration = INTEGRATIONS.create(draft, _integration(given))
    key, target = given.get("RouteKey") or "$default", TARGET_PREFIX + integration["IntegrationId"]
    route = ROUTES.create(draft, {"RouteKey": key, "Target": target})
    stage = STAGES.create(
        draft, {"StageName": DEFAULT_STAGE, "AutoDeploy": True, "CreatedDate": now, "LastUpdatedDate": now, "Tags": {}}
    )
    for kind, part_id, part in (
        (INTEGRATION, integration["IntegrationId"], integration),
        (ROUTE, route["RouteId"], route),
        (STAGE, DEFAULT_STAGE, stage),
    ):
        draft.put(kind, part_id, {**part, "ApiGatewayManaged": True})


def update_quick(draft: Draft, given: Mapping[str, Any]) -> None:
    """UpdateApi's members that are for what was made in one call with the API."""
    for integration in draft.where(INTEGRATION, ApiGatewayManaged=True):
        part = {**integration, **_integration({"Target": integration["IntegrationUri"], **given})}
        draft.put(INTEGRATION, part["IntegrationId"], INTEGRATIONS.check(draft, part, integration))
    for route in draft.where(ROUTE, ApiGatewayManaged=True):
        if given.get("RouteKey"):
            part = {**route, "RouteKey": given["RouteKey"]}
            draft.put(ROUTE, part["RouteId"], ROUTES.check(draft, part, route))


def _integration(given: Mapping[str, Any]) -> Document:
    target = given["Target"]
    role = {"CredentialsArn": given["CredentialsArn"]} if given.get("CredentialsArn") else {}
    if function_arn(target) is not None:
        kind = {"IntegrationType": "AWS_PROXY", "IntegrationMethod": "POST", "PayloadFormatVersion": "2.0"}
    else:
        kind = {"IntegrationType": "HTTP_PROXY", "IntegrationMethod": "ANY", "PayloadFormatVersion": "1.0"}
    return {"IntegrationUri": target, **kind, **role}
