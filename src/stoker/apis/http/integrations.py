"""Integrations: what a route leads to."""

from urllib.parse import urlsplit

from stoker.apis.errors import BadRequestException, ConflictException
from stoker.apis.functions import function_arn
from stoker.apis.http.draft import HTTP, INTEGRATION, ROUTE, Document, Draft
from stoker.apis.http.mapping import check_request_parameters, check_response_parameters
from stoker.apis.http.parts import PartKind
from stoker.apis.http.routes import TARGET_PREFIX
from stoker.model.errors import NotBuiltError

MAX_INTEGRATIONS = 300
MAX_TIMEOUT_MS = {"HTTP": 30_000, "WEBSOCKET": 29_000}
_MEMBERS = (
    "ConnectionId",
    "ConnectionType",
    "ContentHandlingStrategy",
    "CredentialsArn",
    "Description",
    "IntegrationMethod",
    "IntegrationSubtype",
    "IntegrationType",
    "IntegrationUri",
    "PassthroughBehavior",
    "PayloadFormatVersion",
    "RequestParameters",
    "RequestTemplates",
    "ResponseParameters",
    "TemplateSelectionExpression",
    "TimeoutInMillis",
    "TlsConfig",
)
_WEBSOCKET_ONLY = ("ContentHandlingStrategy", "PassthroughBehavior", "RequestTemplates", "TemplateSelectionExpression")


def _check(draft: Draft, part: Document, before: Document | None) -> Document:
    if before is None and len(draft.all(INTEGRATION)) >= MAX_INTEGRATIONS:
        raise BadRequestException(f"An API has at most {MAX_INTEGRATIONS} integrations.")
    longest = MAX_TIMEOUT_MS[draft.protocol]
    part = {"ConnectionType": "INTERNET", "TimeoutInMillis": longest, **part}
    if part["TimeoutInMillis"] > longest:
        raise BadRequestException(f"Timeout should be between 50 and {longest} ms.")
    if part["ConnectionType"] == "VPC_LINK" or part.get("ConnectionId"):
        raise NotBuiltError("VPC links are not there yet in Stoker.")
    if part.get("TlsConfig"):
        raise NotBuiltError("TlsConfig of integrations is not there yet in Stoker.")
    if part.get("IntegrationSubtype"):
        raise NotBuiltError("Integrations with AWS services are not there yet in Stoker.")
    return _check_http(part) if draft.protocol == HTTP else _check_websocket(part)


def _check_http(part: Document) -> Document:
    kind = part["IntegrationType"]
    if kind not in ("AWS_PROXY", "HTTP_PROXY"):
        raise BadRequestException(f"HTTP APIs do not support integrations of type {kind}.")
    for name in _WEBSOCKET_ONLY:
        if part.get(name):
            raise BadRequestException(f"{name} is not supported for HTTP protocol APIs")
    if kind == "AWS_PROXY":
        part = {"IntegrationMethod": "POST", **part}
        _check_function(part)
        version = part.get("PayloadFormatVersion")
        if version is None:
            raise BadRequestException("PayloadFormatVersion is a required parameter for integration")
        if version not in ("1.0", "2.0"):
            raise BadRequestException("PayloadFormatVersion should be one of 1.0, 2.0")
    else:
        part = {"PayloadFormatVersion": "1.0", **part}
        _check_url(part)
        if part["PayloadFormatVersion"] != "1.0":
            raise BadRequestException("HTTP_PROXY integrations have PayloadFormatVersion 1.0.")
    check_request_parameters(part.get("RequestParameters", {}))
    check_response_parameters(part.get("ResponseParameters", {}))
    return part


def _check_websocket(part: Document) -> Document:
    kind = part["IntegrationType"]
    if kind in ("AWS", "HTTP") or part.get("RequestTemplates") or part.get("RequestParameters"):
        raise NotBuiltError("Mapping templates of WebSocket APIs are not there yet in Stoker.")
    # What is not text goes to functions in base64 anyway; Chalice asks for it.
    if part.get("ContentHandlingStrategy") not in (None, "CONVERT_TO_TEXT"):
        raise NotBuiltError("The ContentHandlingStrategy CONVERT_TO_BINARY is not there yet in Stoker.")
    if part.get("ResponseParameters"):
        raise BadRequestException("ResponseParameters are for HTTP APIs only.")
    part = {"PassthroughBehavior": "WHEN_NO_MATCH", "PayloadFormatVersion": "1.0", **part}
    if kind == "AWS_PROXY":
        part = {"IntegrationMethod": "POST", **part}
        _check_function(part)
    elif kind == "HTTP_PROXY":
        _check_url(part)
    return part


def _check_function(part: Document) -> None:
    if function_arn(part.get("IntegrationUri", "")) is None:
        raise BadRequestException("Invalid function ARN or invalid uri")


def _check_url(part: Document) -> None:
    try:
        url = urlsplit(part.get("IntegrationUri", ""))
        port_is_right = url.port is None or url.port > 0
    except ValueError:
        url, port_is_right = urlsplit(""), False
    if url.scheme not in ("http", "https") or not url.netloc or not port_is_right:
        raise BadRequestException("Invalid HTTP endpoint specified for URI")
    if not part.get("IntegrationMethod"):
        raise BadRequestException("HttpMethod is a required parameter for integration")


def _forget(draft: Draft, part: Document) -> None:
    if routes := draft.where(ROUTE, Target=TARGET_PREFIX + part["IntegrationId"]):
        raise ConflictException(
            f"Cannot delete Integration '{part['IntegrationId']}' as it is referenced by Route '{routes[0]['RouteId']}'"
        )


INTEGRATIONS = PartKind(name=INTEGRATION, id_member="IntegrationId", members=_MEMBERS, check=_check, forget=_forget)
