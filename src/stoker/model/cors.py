"""Cross-origin resource sharing of a function URL: which headers a browser gets, by configuration. Pure.

Source: "Cross-origin resource sharing (CORS)" in the AWS Lambda Developer Guide; the Fetch standard for what browsers
accept.
"""

from collections.abc import Mapping
from dataclasses import dataclass

ANY = "*"


@dataclass(frozen=True, kw_only=True, slots=True)
class CorsRules:
    """Whom a URL lets read its answers; everything as CreateFunctionUrlConfig takes it."""

    allow_credentials: bool = False
    allow_headers: tuple[str, ...] = ()
    allow_methods: tuple[str, ...] = ()
    allow_origins: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    max_age_s: int | None = None


def is_preflight(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a browser asks for leave before it sends the real request."""
    return method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers


def preflight_headers(rules: CorsRules, request: Mapping[str, str]) -> list[tuple[str, str]]:
    """The answer's headers; without an allowed origin there are none that allow for anything."""
    headers = _origin_headers(rules, request)
    if not _allowed_origin(rules, request):
        return headers
    methods = _list(rules, rules.allow_methods, request["access-control-request-method"])
    asked = request.get("access-control-request-headers", "")
    return [
        *headers,
        *_if("Access-Control-Allow-Methods", methods),
        *_if("Access-Control-Allow-Headers", _list(rules, rules.allow_headers, asked)),
        *([("Access-Control-Max-Age", str(rules.max_age_s))] if rules.max_age_s is not None else []),
    ]


def answer_headers(rules: CorsRules, request: Mapping[str, str]) -> list[tuple[str, str]]:
    """What an ordinary answer carries besides the function's own headers."""
    exposed = ",".join(rules.expose_headers) if _allowed_origin(rules, request) else ""
    return [*_origin_headers(rules, request), *_if("Access-Control-Expose-Headers", exposed)]


def _origin_headers(rules: CorsRules, request: Mapping[str, str]) -> list[tuple[str, str]]:
    # A cache must keep answers for different origins apart, unless all get the same.
    vary = [] if ANY in rules.allow_origins and not rules.allow_credentials else [("Vary", "Origin")]
    origin = _allowed_origin(rules, request)
    if not origin:
        return vary
    credentials = [("Access-Control-Allow-Credentials", "true")] if rules.allow_credentials else []
    return [("Access-Control-Allow-Origin", origin), *credentials, *vary]


def _allowed_origin(rules: CorsRules, request: Mapping[str, str]) -> str:
    """What Access-Control-Allow-Origin says; empty where the origin is not allowed, or there is none."""
    origin = request.get("origin", "")
    if not origin:
        return ""
    if ANY in rules.allow_origins:
        # With credentials, browsers take no wildcard for anything.
        return origin if rules.allow_credentials else ANY
    known = {each.lower() for each in rules.allow_origins}
    return origin if origin.lower() in known else ""


def _list(rules: CorsRules, allowed: tuple[str, ...], asked: str) -> str:
    return asked if ANY in allowed and rules.allow_credentials else ",".join(allowed)


def _if(name: str, value: str) -> list[tuple[str, str]]:
    return [(name, value)] if value else []
