"""One request on its way through a REST API: what is known of it, and its words for functions and templates. Pure."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote

from stoker.apis.request import ApiRequest
from stoker.apis.rest.blueprint import Blueprint, Found, Method
from stoker.apis.rest.media_types import media_type
from stoker.model.principal import Principal

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Names of headers come in lower case from the front door. AWS hands on what HTTP/1.1 clients sent: standard names with
# capitals, and others as they were written, which is mostly in lower case.
_CAPITAL_X = ("x-forwarded-", "x-amzn-")
_IRREGULAR = {"www-authenticate": "WWW-Authenticate", "te": "TE", "dnt": "DNT", "etag": "ETag"}


@dataclass(frozen=True, kw_only=True)
class Authorized:
    """Who may make a request, and how that is known. `context` is what an authorizer said further."""

    principal: Principal | None = None
    principal_id: str | None = None
    context: Mapping[str, Any] = field(default_factory=dict)
    usage_key: str | None = None


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A request with its method. `path` follows the stage, or a domain's base path; `full_path` has that in front."""

    request: ApiRequest
    blueprint: Blueprint
    found: Found
    path: str
    full_path: str
    request_id: str
    extended_id: str
    body: bytes = b""
    authorized: Authorized = Authorized()
    api_key: str | None = None
    api_key_id: str | None = None

    @property
    def method(self) -> Method:
        return self.found.method

    @property
    def http_method(self) -> str:
        return self.request.http.method

    @cached_property
    def fields(self) -> Sequence[tuple[str, str]]:
        return [(header_name(name), value) for name, value in self.request.fields]

    @cached_property
    def multi_headers(self) -> Mapping[str, list[str]]:
        return _grouped(self.fields)

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """Of several values the last, as of queries."""
        return dict(self.fields)

    @cached_property
    def multi_query(self) -> Mapping[str, list[str]]:
        return _grouped(parse_qsl(self.request.http.query, keep_blank_values=True))

    @cached_property
    def query(self) -> Mapping[str, str]:
        return {name: values[-1] for name, values in self.multi_query.items()}

    @cached_property
    def parameters(self) -> Mapping[str, str]:
        """Those of the path, decoded."""
        return {name: unquote(text) for name, text in self.found.parameters.items()}

    def header(self, name: str) -> str | None:
        return self.request.headers.get(name.lower())

    def values(self, place: str, name: str) -> Sequence[str]:
        """What a request has at `header`, `querystring` or `path` under a name."""
        if place.removeprefix("multivalue") == "header":
            return [value for known, value in self.request.fields if known == name.lower()]
        if place.removeprefix("multivalue") == "querystring":
            return self.multi_query.get(name, [])
        return [self.parameters[name]] if name in self.parameters else []

    @property
    def content_type(self) -> str:
        """Without parameters, in lower case; JSON where the client did not say."""
        return media_type(self.header("content-type") or "application/json")

    @cached_property
    def method_arn(self) -> str:
        """What authorizers and policies decide on."""
        return f"{self.blueprint.arn}/{self.http_method}{self.path if self.path != '/' else '/'}"

    @cached_property
    def source_arn(self) -> str:
        """What a function's policy names: the resource with `*` for its variables."""
        parts = ["*" if part.startswith("{") else part for part in self.method.resource_path.split("/")]
        return f"{self.blueprint.arn}/{self.http_method}{'/'.join(parts) or '/'}"

    @property
    def identity(self) -> dict[str, Any]:
        principal = self.authorized.principal
        own = {
            "cognitoIdentityPoolId": None,
            "accountId": principal.account if principal else None,
            "cognitoIdentityId": None,
            "caller": principal.user_id if principal else None,
            "sourceIp": self.request.http.source_ip,
            "principalOrgId": None,
            "accessKey": principal.access_key if principal else None,
            "cognitoAuthenticationType": None,
            "cognitoAuthenticationProvider": None,
            "userArn": principal.arn if principal else None,
            "userAgent": self.header("user-agent"),
            "user": principal.user_id if principal else None,
        }
        key = {"apiKey": self.api_key, "apiKeyId": self.api_key_id} if self.api_key is not None else {}
        return {**own, **key}

    @cached_property
    def request_context(self) -> dict[str, Any]:
        method, at = self.method, self.request.at
        moment = datetime.fromtimestamp(at, UTC)
        domain = self.request.call.domain
        authorizer: dict[str, Any] = dict(self.authorized.context)
        if self.authorized.principal_id is not None:
            authorizer["principalId"] = self.authorized.principal_id
        return {
            "resourceId": method.resource_id,
            **({"authorizer": authorizer} if authorizer else {}),
            "resourcePath": method.resource_path,
            **({"operationName": method.operation_name} if method.operation_name else {}),
            "httpMethod": self.http_method,
            "extendedRequestId": self.extended_id,
            # Month names do not depend on the machine's locale here, as they would with strftime.
            "requestTime": f"{moment:%d}/{_MONTHS[moment.month - 1]}/{moment:%Y:%H:%M:%S} +0000",
            "path": self.full_path,
            "accountId": self.blueprint.account,
            "protocol": "HTTP/1.1",
            "stage": self.blueprint.stage,
            "domainPrefix": domain.partition(".")[0],
            "requestTimeEpoch": int(at * 1000),
            "requestId": self.request_id,
            "identity": self.identity,
            "domainName": domain,
            "deploymentId": self.blueprint.deployment_id,
            "apiId": self.blueprint.api_id,
        }

    @property
    def event(self) -> dict[str, Any]:
        """What is alike in events for functions and for authorizers. What there is not is null."""
        return {
            "resource": self.method.resource_path,
            "path": unquote(self.path),
            "httpMethod": self.http_method,
            "headers": dict(self.headers),
            "multiValueHeaders": dict(self.multi_headers),
            "queryStringParameters": dict(self.query) or None,
            "multiValueQueryStringParameters": dict(self.multi_query) or None,
            "pathParameters": dict(self.parameters) or None,
            "stageVariables": dict(self.blueprint.variables) or None,
            "requestContext": self.request_context,
        }

    def proxy_event(self) -> bytes:
        """The event of a proxy integration, in payload format 1.0.

        Source: "Lambda proxy integrations in API Gateway" in the API Gateway developer guide.
        """
        text, encoded = None, False
        if self.body:
            encoded = is_binary(self.blueprint.binary_types, self.header("content-type") or "")
            text = base64.b64encode(self.body).decode() if encoded else self.body.decode("utf-8", "replace")
        return json.dumps({**self.event, "body": text, "isBase64Encoded": encoded}, separators=(",", ":")).encode()


def header_name(name: str) -> str:
    """A header's name as functions see it."""
    if name in _IRREGULAR:
        return _IRREGULAR[name]
    if name.startswith("x-") and not name.startswith(_CAPITAL_X):
        return name
    return "-".join(part.capitalize() for part in name.split("-"))


def is_binary(types: Sequence[str], content_type: str) -> bool:
    """Whether an API treats bodies of a type as binary."""
    wanted = media_type(content_type)
    return any(known == "*/*" or media_type(known) == wanted for known in types)


def _grouped(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found
