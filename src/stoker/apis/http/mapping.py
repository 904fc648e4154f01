"""Parameter mapping: changes to a request on its way to an integration, and to an answer on its way back. Pure.

Source: "Transform API requests and responses for HTTP APIs" in the API Gateway Developer Guide.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from stoker.apis.errors import BadRequestException

# Of `$request.header.a`, `$stageVariables.b`, …; None where there is no such value.
Values = Callable[[str], str | None]

_REQUEST_KEY = re.compile(r"(append|overwrite|remove):(header|querystring)\.(\S+)|(overwrite):(path)")
_RESPONSE_KEY = re.compile(r"(append|overwrite|remove):(header)\.(\S+)|(overwrite):(statuscode)")
_SELECTOR = re.compile(r"\$\{([A-Za-z][^}]*)\}|\$((?:request|response|context|stageVariables)[A-Za-z0-9_.\[\]'\"-]*)")
_SUCCESS = re.compile(r"[1-5][0-9]{2}")
_RESERVED = re.compile(
    r"access-control-.*|apigw-.*|authorization|connection|content-encoding|content-length|content-location|forwarded|"
    r"keep-alive|origin|proxy-authenticate|proxy-authorization|te|trailers|transfer-encoding|upgrade|x-amz-.*|"
    r"x-amzn-.*|x-forwarded-for|x-forwarded-host|x-forwarded-proto|via",
    re.IGNORECASE,
)
Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One line of a mapping: `append`, `overwrite` or `remove` at a header, a query parameter, the path or status."""

    action: str
    place: str
    name: str
    value: "Template"


@dataclass(frozen=True, slots=True)
class Template:
    """Text with selectors in it, in turns: text, selector, text, …"""

    parts: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Template":
        parts, end = [], 0
        for found in _SELECTOR.finditer(text):
            parts += [text[end : found.start()], found[1] or found[2]]
            end = found.end()
        return cls((*parts, text[end:]))

    def fill(self, values: Values) -> str | None:
        """None where it is nothing but a selector that has no value."""
        if len(self.parts) == 1:
            return self.parts[0]
        found = [part if at % 2 == 0 else values(part) for at, part in enumerate(self.parts)]
        if len(found) == 3 and found[1] is None and not found[0] and not found[2]:
            return None
        return "".join(part or "" for part in found)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mapped:
    """What a mapping changes. Names are in lower case in headers; the query's are decoded."""

    path: str
    headers: Pairs
    query: Pairs


def check_request_parameters(parameters: Mapping[str, Any]) -> None:
    """Raises BadRequestException."""
    for key in parameters:
        _check_key(key, _REQUEST_KEY)


def check_response_parameters(parameters: Mapping[str, Any]) -> None:
    """Raises BadRequestException."""
    for status, changes in parameters.items():
        if _SUCCESS.fullmatch(status) is None:
            raise BadRequestException(f"Invalid response parameters: {status} is no status code.")
        for key in changes:
            _check_key(key, _RESPONSE_KEY)


def _check_key(key: str, form: re.Pattern[str]) -> None:
    found = form.fullmatch(key)
    if found is None:
        raise BadRequestException(f"Invalid mapping expression specified: {key}")
    if found[2] == "header" and _RESERVED.fullmatch(found[3]) is not None:
        raise BadRequestException(f"Operations on header {found[3]} are restricted")


def compile_changes(parameters: Mapping[str, str]) -> Sequence[Change]:
    """In the order of their keys, so that the same mapping always does the same."""
    changes = []
    for key, value in sorted(parameters.items()):
        action, _, target = key.partition(":")
        place, _, name = target.partition(".")
        name = name.lower() if place == "header" else name
        changes.append(Change(action=action, place=place, name=name, value=Template.parse(value)))
    return changes


def map_request(changes: Sequence[Change], given: Mapped, values: Values) -> Mapped:
    """The request as its integration gets it."""
    for change in changes:
        value = change.value.fill(values)
        if change.place == "path":
            if value is not None:
                given = replace(given, path=quote(value, safe="/:@!$&'()*+,;=~-._"))
        elif change.place == "header":
            given = replace(given, headers=changed(given.headers, change, value))
        else:
            given = replace(given, query=changed(given.query, change, value))
    return given


def changed(pairs: Pairs, change: Change, value: str | None) -> Pairs:
    """The headers or parameters after one change; a value that is not there changes nothing."""
    others = [(name, each) for name, each in pairs if name.lower() != change.name.lower()]
    if change.action == "remove":
        return others
    if value is None:
        return pairs
    if change.action == "overwrite":
        return [*others, (change.name, value)]
    return [*pairs, (change.name, value)]
