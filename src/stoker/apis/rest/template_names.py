"""What mapping templates may name: $input, $context, $stageVariables, $util. Pure.

Source: "Mapping template transformations" and "Variables for data transformations" in the API Gateway developer guide.
"""

import base64
import json
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from stoker.apis.rest import json_path
from stoker.apis.rest.exchange import Exchange
from stoker.apis.rest.vtl import methods
from stoker.apis.rest.vtl.budget import TemplateError
from stoker.apis.rest.vtl.methods import HostObject


class NotJsonError(TemplateError):
    """A body that a template wants to look into is not JSON."""


class Overrides:
    """What a template says about its request or answer besides its text: `$context.requestOverride.header.x`."""

    def __init__(self) -> None:
        self.request: dict[str, Any] = {"header": {}, "querystring": {}, "path": {}}
        self.response: dict[str, Any] = {"header": {}}

    def __repr__(self) -> str:
        return f"<Overrides {self.request} {self.response}>"


class _View(HostObject):
    """A map in which whatever is not there is empty, however deep, and not printed as it was written."""

    def __init__(self, entries: Mapping[str, Any]) -> None:
        self._entries = entries

    def __str__(self) -> str:
        return methods.text_of(self._entries) if self._entries else ""

    def template_member(self, name: str) -> Any:
        value = self._entries.get(name)
        if isinstance(value, Mapping) and not name.endswith("Override"):
            return _View(value)
        return _View({}) if value is None else value

    def template_method(self, name: str) -> Callable[..., Any] | None:
        method = methods.of_map(name)
        return None if method is None else partial(method, dict(self._entries))


class _Input(HostObject):
    """`$input`: the body, of the request or of the integration's answer, and the request's parameters."""

    def __init__(self, body: str, exchange: Exchange) -> None:
        self._body = body
        self._exchange = exchange

    @cached_property
    def _value(self) -> Any:
        try:
            return json.loads(self._body) if self._body.strip() else {}
        except (ValueError, RecursionError) as error:
            raise NotJsonError(str(error)) from None

    def template_member(self, name: str) -> Any:
        return self._body if name == "body" else None

    def template_method(self, name: str) -> Callable[..., Any] | None:
        return {"json": self._json, "path": self._path, "params": self._params}.get(name)

    def _path(self, path: str = "$") -> Any:
        try:
            return json_path.find(path, self._value)
        except json_path.JsonPathError as error:
            raise TemplateError(str(error)) from None

    def _json(self, path: str = "$") -> str:
        found = self._path(path)
        return '""' if found is None else json.dumps(found, separators=(",", ":"), ensure_ascii=False)

    def _params(self, name: str | None = None) -> Any:
        places = {
            "path": dict(self._exchange.parameters),
            "querystring": dict(self._exchange.query),
            "header": dict(self._exchange.headers),
        }
        if name is None:
            return places
        for place in ("path", "querystring", "header"):
            if values := self._exchange.values(place, name):
                return values[-1]
        return ""


class _Util(HostObject):
    """`$util`"""

    def template_method(self, name: str) -> Callable[..., Any] | None:
        return _UTILITIES.get(name)


def _escape_java_script(value: Any) -> str:
    """As JavaScript wants it in a string; AWS escapes single quotes as well."""
    return json.dumps(methods.text_of(value))[1:-1].replace("'", "\\'").replace("/", "\\/")


def _parse_json(value: Any) -> Any:
    try:
        return json.loads(methods.text_of(value))
    except (ValueError, RecursionError) as error:
        raise TemplateError(f"parseJson: {error}") from None


_UTILITIES: Mapping[str, Callable[..., Any]] = {
    "escapeJavaScript": _escape_java_script,
    "parseJson": _parse_json,
    "urlEncode": lambda value: quote_plus(methods.text_of(value)),
    "urlDecode": lambda value: unquote_plus(methods.text_of(value)),
    "base64Encode": lambda value: base64.b64encode(methods.text_of(value).encode()).decode(),
    "base64Decode": lambda value: base64.b64decode(methods.text_of(value)).decode("utf-8", "replace"),
}


def template_names(exchange: Exchange, body: str, overrides: Overrides, **further: Any) -> Mapping[str, Any]:
    """What a template's references begin with. `further` are further members of $context."""
    context = {
        **exchange.request_context,
        "requestOverride": overrides.request,
        "responseOverride": overrides.response,
        **further,
    }
    return {
        "input": _Input(body, exchange),
        "context": _View(context),
        "stageVariables": _View(exchange.blueprint.variables),
        "util": _Util(),
    }
