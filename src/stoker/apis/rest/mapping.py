"""Requests to integrations, and their answers to clients, as mappings and templates make them. Pure.

Up to half a second of CPU for a template that takes all it may: in a thread.
"""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from stoker.apis.rest import json_path
from stoker.apis.rest.blueprint import JSON, Integration, IntegrationResponse
from stoker.apis.rest.exchange import Exchange, is_binary
from stoker.apis.rest.gateway_responses import GatewayFault
from stoker.apis.rest.headers import cleaned, is_name
from stoker.apis.rest.media_types import accepted, media_type
from stoker.apis.rest.template_names import NotJsonError, Overrides, template_names
from stoker.apis.rest.vtl.budget import TemplateError
from stoker.apis.rest.vtl.evaluation import evaluate
from stoker.apis.rest.vtl.methods import text_of
from stoker.apis.rest.vtl.nodes import Block
from stoker.model.http_event import HttpAnswer
from stoker.model.limited_regex import PatternTimeoutError

_PLACEHOLDER = re.compile(r"\{([A-Za-z0-9._-]+)\}")
_STAGE_VARIABLE = re.compile(r"\$\{stageVariables\.([A-Za-z0-9_]+)\}")


@dataclass(frozen=True, kw_only=True)
class IntegrationRequest:
    """What goes to an integration. `overrides` are what its template said further, also about the answer."""

    body: bytes
    headers: Sequence[tuple[str, str]]
    query: Sequence[tuple[str, str]]
    path: Mapping[str, str]
    content_type: str
    overrides: Overrides


@dataclass(frozen=True, kw_only=True)
class IntegrationAnswer:
    """What came back. `selected_by` is what selection patterns are held against: a status, or an error's message."""

    body: bytes
    headers: Sequence[tuple[str, str]]
    selected_by: str
    content_type: str


def with_variables(text: str, variables: Mapping[str, str]) -> str:
    """A text with its stage variables filled in."""
    return _STAGE_VARIABLE.sub(lambda found: variables.get(found[1], ""), text)


def integration_request(exchange: Exchange) -> IntegrationRequest:
    """What a request becomes. Raises GatewayFault where it cannot be made."""
    integration, overrides = exchange.method.integration, Overrides()
    body = _request_body(exchange, integration)
    proxies = integration.kind == "HTTP_PROXY"
    template = None if proxies else choose_template(integration, exchange.content_type)
    content_type = exchange.content_type
    if template is not None:
        try:
            body = evaluate(template, template_names(exchange, body.decode("utf-8", "replace"), overrides)).encode()
        except NotJsonError as error:
            message = f"Could not parse request body into json: {error}"
            raise GatewayFault("BAD_REQUEST_BODY", message, "BadRequestException") from None
        except TemplateError:
            raise configuration_error() from None
    places: dict[str, dict[str, list[str]]] = {"header": {}, "querystring": {}, "path": {}}
    for place, source in integration.parameters.items():
        kind, name = place.removeprefix("integration.request.").split(".", 1)
        if found := _mapped(exchange, source):
            places[kind.removeprefix("multivalue")][name] = found if kind.startswith("multivalue") else found[-1:]
    for kind, given in overrides.request.items():
        for name, value in given.items() if isinstance(given, dict) else ():
            places.setdefault(kind, {})[name] = _texts(value)
    return IntegrationRequest(
        body=body,
        headers=_pairs(places["header"]),
        query=_pairs(places["querystring"]),
        path={name: values[-1] for name, values in places["path"].items()},
        content_type=content_type,
        overrides=overrides,
    )


def choose_template(integration: Integration, content_type: str) -> Block | None:
    """The template for a body; None where it is passed through. Raises 415 where it may not be."""
    template = integration.templates.get(content_type)
    if template is not None:
        return template
    passes = integration.passthrough == "WHEN_NO_MATCH" or (
        integration.passthrough == "WHEN_NO_TEMPLATES" and not integration.templates
    )
    if not passes:
        raise GatewayFault("UNSUPPORTED_MEDIA_TYPE", "Unsupported Media Type", "UnsupportedMediaTypeException")
    return None


def target_path(exchange: Exchange, request: IntegrationRequest) -> str:
    """The URI of an integration with its variables and the path's parameters."""
    uri = with_variables(exchange.method.integration.uri, exchange.blueprint.variables)
    # A greedy parameter is a path of its own: its slashes stay.
    return _PLACEHOLDER.sub(lambda found: quote(request.path.get(found[1], ""), safe="/:@!$&'()*+,;=~"), uri)


def target_url(exchange: Exchange, request: IntegrationRequest) -> str:
    """The address of an HTTP integration, with its path and query."""
    uri = target_path(exchange, request)
    if not request.query:
        return uri
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode(request.query)}"


def client_answer(exchange: Exchange, request: IntegrationRequest, answer: IntegrationAnswer) -> HttpAnswer:
    """What a client gets of an integration's answer. Raises GatewayFault where nothing can be made of it."""
    chosen = _choose_response(exchange.method.integration.responses, answer.selected_by)
    if chosen is None:
        raise configuration_error()
    overrides = request.overrides
    body, content_type = _answer_body(exchange, chosen, answer, overrides)
    headers: dict[str, list[str]] = {"content-type": [content_type]}
    for place, source in chosen.parameters.items():
        name = place.removeprefix("method.response.").split(".", 1)[1]
        if found := _mapped_answer(exchange, source, answer):
            headers[name.lower()] = found
    own = overrides.response.get("header")
    for name, value in own.items() if isinstance(own, dict) else ():
        headers[name.lower()] = _texts(value)
    status = text_of(overrides.response.get("status", chosen.status))
    if re.fullmatch(r"[2-5]\d\d", status) is None:
        raise configuration_error()
    if not all(map(is_name, headers)):
        raise configuration_error()
    clean = [(name, cleaned(value)) for name, value in _pairs(headers)]
    return HttpAnswer(status=int(status), headers=clean, body=body)


def configuration_error() -> GatewayFault:
    """Something about the API itself is wrong: AWS says no more to clients."""
    return GatewayFault("API_CONFIGURATION_ERROR", "Internal server error", "InternalServerErrorException")


def _request_body(exchange: Exchange, integration: Integration) -> bytes:
    binary = is_binary(exchange.blueprint.binary_types, exchange.content_type)
    return _converted(exchange.body, binary, integration.content_handling)


def _converted(body: bytes, binary: bool, handling: str | None) -> bytes:
    """Source: "Content type conversions in API Gateway"."""
    if handling == "CONVERT_TO_TEXT" and binary:
        return base64.b64encode(body)
    if handling == "CONVERT_TO_BINARY" and not binary:
        try:
            return base64.b64decode(body, validate=True)
        except ValueError:
            raise configuration_error() from None
    return body


def _answer_body(
    exchange: Exchange, chosen: IntegrationResponse, answer: IntegrationAnswer, overrides: Overrides
) -> tuple[bytes, str]:
    content_type = _answer_type(chosen, exchange, answer)
    template = chosen.templates.get(content_type)
    binary = is_binary(exchange.blueprint.binary_types, answer.content_type)
    body = answer.body
    if template is not None:
        try:
            body = evaluate(template, template_names(exchange, body.decode("utf-8", "replace"), overrides)).encode()
        except TemplateError:
            raise configuration_error() from None
        binary = False
    return _converted(body, binary, chosen.content_handling), content_type


def _answer_type(chosen: IntegrationResponse, exchange: Exchange, answer: IntegrationAnswer) -> str:
    """The template's content type: what the client accepts, else JSON, else the first; without any the answer's."""
    if not chosen.templates:
        return answer.content_type
    wanted = [*accepted(exchange.header("accept")), media_type(answer.content_type), JSON]
    return next((each for each in wanted if each in chosen.templates), next(iter(chosen.templates)))


def _choose_response(responses: Sequence[IntegrationResponse], text: str) -> IntegrationResponse | None:
    for response in responses:
        try:
            if response.pattern is not None and response.pattern.matches(text):
                return response
        except PatternTimeoutError:
            continue
    return next((response for response in responses if response.pattern is None), None)


def _mapped(exchange: Exchange, source: str) -> list[str]:
    """The values of `method.request.…`, `context.…`, `stageVariables.…` or a text in quotes."""
    if source.startswith("method.request.body"):
        return _from_body(exchange.body, source.removeprefix("method.request.body"))
    if source.startswith("method.request."):
        kind, name = source.removeprefix("method.request.").split(".", 1)
        found = list(exchange.values(kind, name))
        return found if kind.startswith("multivalue") else found[-1:]
    return _constant(exchange, source)


def _mapped_answer(exchange: Exchange, source: str, answer: IntegrationAnswer) -> list[str]:
    if source.startswith("integration.response.body"):
        return _from_body(answer.body, source.removeprefix("integration.response.body"))
    if source.startswith("integration.response."):
        kind, name = source.removeprefix("integration.response.").split(".", 1)
        found = [value for known, value in answer.headers if known.lower() == name.lower()]
        return found if kind.startswith("multivalue") else found[-1:]
    return _constant(exchange, source)


def _constant(exchange: Exchange, source: str) -> list[str]:
    if source.startswith("'"):
        return [source[1:-1]]
    if source.startswith("stageVariables."):
        found = exchange.blueprint.variables.get(source.removeprefix("stageVariables."))
        return [] if found is None else [found]
    text = context_text(exchange, source.removeprefix("context."))
    return [] if text is None else [text]


def context_text(exchange: Exchange, name: str) -> str | None:
    """A variable of $context as text: `identity.sourceIp`."""
    value: Any = exchange.request_context
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return None if value is None else _text(value)


def _from_body(body: bytes, path: str) -> list[str]:
    if not path:
        return [body.decode("utf-8", "replace")]
    try:
        found = json_path.find(f"${path}", json.loads(body))
    except (ValueError, RecursionError, json_path.JsonPathError):
        return []
    return [] if found is None else [_text(found)]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _texts(value: Any) -> list[str]:
    """What a template set, as it would print it."""
    return [text_of(each) for each in value] if isinstance(value, list) else [text_of(value)]


def _pairs(grouped: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, values in grouped.items() for value in values]
