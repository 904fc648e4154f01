"""An exchange as the event that functions get: those of integrations, and those of authorizers."""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from stoker.apis.http.compiled import Integration
from stoker.apis.http.exchange import Exchange
from stoker.apis.http.mapping import Mapped, map_request
from stoker.apis.http.payload_v1 import to_event_v1
from stoker.model.http_event import Circumstances, HttpRequest, RouteContext, api_event, to_event

# What an authorizer is not told.
_NOT_AUTHORIZERS = ("version", "body", "isBase64Encoded", "multiValueHeaders", "multiValueQueryStringParameters")


def integration_event(exchange: Exchange, integration: Integration) -> bytes:
    """The event of a request, in the integration's format, after the integration's parameter mapping."""
    mapped = mapped_request(exchange, integration)
    request, about = _http_request(exchange, mapped), _circumstances(exchange)
    if integration.payload == "1.0":
        fields = exchange.request.fields if mapped is None else mapped.headers
        return _encode(to_event_v1(request, fields, about))
    return to_event(request, about)


def mapped_request(exchange: Exchange, integration: Integration) -> Mapped | None:
    """What the integration gets of path, headers and query; None where nothing of it is changed."""
    if not integration.request:
        return None
    given = Mapped(path=exchange.request.call.path, headers=exchange.request.fields, query=exchange.query)
    return map_request(integration.request, given, exchange.value)


def authorizer_event(exchange: Exchange, sources: Sequence[str], arn: str, payload: str) -> bytes:
    """What an authorizer's function gets, in its format. `sources` are the values of its identity sources."""
    request, about = _http_request(exchange, None), _circumstances(exchange)
    assert about.route is not None
    if payload == "1.0":
        found = to_event_v1(request, exchange.request.fields, about)
        own: dict[str, Any] = {
            "methodArn": arn,
            "identitySource": ",".join(sources),
            "authorizationToken": ",".join(sources),
        }
    else:
        found = api_event(request, about, about.route)
        own = {"routeArn": arn, "identitySource": list(sources) if sources else None}
    told = {name: value for name, value in found.items() if name not in _NOT_AUTHORIZERS}
    return _encode({"version": payload, "type": "REQUEST", **own, **told})


def _http_request(exchange: Exchange, mapped: Mapped | None) -> HttpRequest:
    request = exchange.request
    return HttpRequest(
        method=request.http.method,
        path=request.call.path if mapped is None else mapped.path,
        query=request.http.query if mapped is None else urlencode(mapped.query),
        headers=request.headers if mapped is None else joined(mapped.headers),
        body=exchange.body,
        source_ip=request.http.source_ip,
    )


def joined(fields: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Headers by name, those that came several times joined by commas."""
    headers: dict[str, str] = {}
    for name, value in fields:
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


def _circumstances(exchange: Exchange) -> Circumstances:
    call = exchange.request.call
    return Circumstances(
        request_id=exchange.request_id,
        api_id=call.api_id,
        domain=call.domain,
        at=exchange.request.at,
        caller=exchange.caller,
        route=RouteContext(
            account=exchange.account,
            route_key=exchange.route_key,
            stage=exchange.stage.name,
            domain_prefix=exchange.domain_prefix,
            path_parameters=exchange.variables,
            stage_variables=exchange.stage.variables,
            authorizer=exchange.authorizer,
        ),
    )


def _encode(event: Any) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()
