"""Authorizers: who says whether a request may be made, by its token or by asking a function."""

import re
from urllib.parse import urlsplit

from stoker.apis.errors import BadRequestException, ConflictException
from stoker.apis.functions import function_arn
from stoker.apis.http.draft import AUTHORIZER, HTTP, ROUTE, Document, Draft
from stoker.apis.http.parts import PartKind
from stoker.model.errors import NotBuiltError

MAX_AUTHORIZERS = 10
_MEMBERS = (
    "AuthorizerCredentialsArn",
    "AuthorizerPayloadFormatVersion",
    "AuthorizerResultTtlInSeconds",
    "AuthorizerType",
    "AuthorizerUri",
    "EnableSimpleResponses",
    "IdentitySource",
    "IdentityValidationExpression",
    "JwtConfiguration",
    "Name",
)
# `$context.…` and `$stageVariables.…` as well, for functions.
_HTTP_SOURCE = re.compile(r"\$request\.(header|querystring)\.\S+|\$context\.\S+|\$stageVariables\.\S+")
_WEBSOCKET_SOURCE = re.compile(r"route\.request\.(header|querystring)\.\S+|context\.\S+|stageVariables\.\S+")


def _check(draft: Draft, part: Document, before: Document | None) -> Document:
    if before is None and len(draft.all(AUTHORIZER)) >= MAX_AUTHORIZERS:
        raise BadRequestException(f"An API has at most {MAX_AUTHORIZERS} authorizers.")
    if any(each["AuthorizerId"] != part["AuthorizerId"] for each in draft.where(AUTHORIZER, Name=part["Name"])):
        raise ConflictException(f"Authorizer with name {part['Name']} already exists for this API")
    if part.get("IdentityValidationExpression"):
        raise BadRequestException("IdentityValidationExpression is not supported")
    if part["AuthorizerType"] == "JWT":
        return _check_jwt(draft, part)
    if function_arn(part.get("AuthorizerUri", "")) is None:
        raise BadRequestException("Invalid function ARN or invalid uri")
    return _check_http(part) if draft.protocol == HTTP else _check_websocket(part)


def _check_jwt(draft: Draft, part: Document) -> Document:
    if draft.protocol != HTTP:
        raise BadRequestException("JWT authorizers are for HTTP APIs only.")
    configuration = part.get("JwtConfiguration") or {}
    issuer = urlsplit(configuration.get("Issuer", ""))
    if issuer.scheme not in ("http", "https") or not issuer.netloc:
        raise BadRequestException("Issuer should be a valid URL.")
    if not configuration.get("Audience"):
        raise BadRequestException("Audience is a required parameter for a JWT authorizer.")
    if len(part.get("IdentitySource", ())) != 1:
        raise BadRequestException("A JWT authorizer has one identity source.")
    _check_sources(part, _HTTP_SOURCE)
    return part


def _check_http(part: Document) -> Document:
    version = part.get("AuthorizerPayloadFormatVersion")
    if version not in ("1.0", "2.0"):
        raise BadRequestException(
            "AuthorizerPayloadFormatVersion is a required parameter for REQUEST authorizer, and one of 1.0, 2.0"
        )
    part = {"AuthorizerResultTtlInSeconds": 0 if not part.get("IdentitySource") else 300, **part}
    part = {"EnableSimpleResponses": False, **part}
    if part["EnableSimpleResponses"] and version == "1.0":
        raise BadRequestException("EnableSimpleResponses is supported for payload format version 2.0 only.")
    if part["AuthorizerResultTtlInSeconds"] and not part.get("IdentitySource"):
        raise BadRequestException("IdentitySource is required where results are cached.")
    _check_sources(part, _HTTP_SOURCE)
    return part


def _check_websocket(part: Document) -> Document:
    if part.get("AuthorizerPayloadFormatVersion") or part.get("EnableSimpleResponses"):
        raise BadRequestException("Payload format versions of authorizers are for HTTP APIs only.")
    if part.get("AuthorizerResultTtlInSeconds"):
        raise NotBuiltError("Results of WebSocket authorizers are not cached: there is one for each connection.")
    _check_sources(part, _WEBSOCKET_SOURCE)
    return part


def _check_sources(part: Document, form: re.Pattern[str]) -> None:
    for source in part.get("IdentitySource", ()):
        if form.fullmatch(source) is None:
            raise BadRequestException(f"Invalid identity source: {source}")


def _forget(draft: Draft, part: Document) -> None:
    if draft.where(ROUTE, AuthorizerId=part["AuthorizerId"]):
        raise ConflictException("Cannot delete authorizer, is referenced in route")


AUTHORIZERS = PartKind(name=AUTHORIZER, id_member="AuthorizerId", members=_MEMBERS, check=_check, forget=_forget)
