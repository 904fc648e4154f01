"""CORS of buckets: which rule a browser's request meets, and what it is answered. Pure.

Source: "Using cross-origin resource sharing (CORS)" in the S3 user guide; the Fetch standard.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from stoker.objects.errors import InvalidRequest, MalformedXML

CORS = "cors"
METHODS = frozenset({"GET", "PUT", "POST", "DELETE", "HEAD"})
MAX_RULES = 100
Rule = Mapping[str, Any]
Headers = list[tuple[str, str]]


def check_rules(rules: Sequence[Rule]) -> None:
    """Raises what AWS says of rules that cannot be."""
    if not 0 < len(rules) <= MAX_RULES:
        raise MalformedXML()
    for rule in rules:
        for method in rule["AllowedMethods"]:
            if method not in METHODS:
                raise InvalidRequest(f"Found unsupported HTTP method in CORS config. Unsupported method is {method}")
        for origin in rule["AllowedOrigins"]:
            if origin.count("*") > 1:
                raise InvalidRequest(f'AllowedOrigin "{origin}" can not have more than one wildcard.')
        for header in rule.get("AllowedHeaders") or ():
            if header.count("*") > 1:
                raise InvalidRequest(f'AllowedHeader "{header}" can not have more than one wildcard.')
        for header in rule.get("ExposeHeaders") or ():
            if "*" in header:
                raise InvalidRequest(
                    f'ExposeHeader "{header}" contains wildcard. We currently do not support wildcard for ExposeHeader.'
                )


def preflight(rules: Sequence[Rule], asked: Mapping[str, str]) -> Headers | None:
    """The headers that allow what a preflight asks for; None where no rule does."""
    method = asked.get("access-control-request-method", "")
    wanted = [
        each.strip().lower() for each in asked.get("access-control-request-headers", "").split(",") if each.strip()
    ]
    rule = _matching(rules, asked.get("origin", ""), method)
    if rule is None or not all(_allows_header(rule, each) for each in wanted):
        return None
    headers = _headers(rule, asked["origin"])
    headers.append(("Access-Control-Allow-Methods", ", ".join(rule["AllowedMethods"])))
    if wanted:
        headers.append(("Access-Control-Allow-Headers", ", ".join(wanted)))
    if rule.get("MaxAgeSeconds") is not None:
        headers.append(("Access-Control-Max-Age", str(rule["MaxAgeSeconds"])))
    return headers


def actual(rules: Sequence[Rule], origin: str, method: str) -> Headers:
    """The headers that an answer carries besides its own."""
    rule = _matching(rules, origin, method)
    return [] if rule is None else _headers(rule, origin)


def _matching(rules: Sequence[Rule], origin: str, method: str) -> Rule | None:
    for rule in rules:
        if method in rule["AllowedMethods"] and any(_matches(each, origin) for each in rule["AllowedOrigins"]):
            return rule
    return None


def _headers(rule: Rule, origin: str) -> Headers:
    every = "*" in rule["AllowedOrigins"]
    headers = [("Access-Control-Allow-Origin", "*" if every else origin)]
    if not every:
        headers.append(("Access-Control-Allow-Credentials", "true"))
    if rule.get("ExposeHeaders"):
        headers.append(("Access-Control-Expose-Headers", ", ".join(rule["ExposeHeaders"])))
    headers.append(("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"))
    return headers


def _allows_header(rule: Rule, header: str) -> bool:
    return any(_matches(each.lower(), header) for each in rule.get("AllowedHeaders") or ())


def _matches(pattern: str, text: str) -> bool:
    before, star, after = pattern.partition("*")
    if not star:
        return pattern == text
    return len(text) >= len(before) + len(after) and text.startswith(before) and text.endswith(after)
