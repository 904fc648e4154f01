"""Buckets as static websites: which key a path means, and where it leads. Pure.

Source: "Hosting a static website using Amazon S3" in the S3 user guide, with its pages on index and error documents and
on redirects.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from stoker.objects.errors import InvalidArgument, InvalidRequest, MalformedXML

WEBSITE = "website"
MAX_RULES = 50
_PROTOCOLS = ("http", "https")


@dataclass(frozen=True, kw_only=True)
class Redirection:
    """`location` is absolute, or begins with the host's root."""

    status: int
    location: str


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a visitor asks for: `key` is the path without its slash."""

    scheme: str
    host: str
    key: str


def check_website(given: Mapping[str, Any]) -> None:
    """Raises what AWS says of a configuration that cannot be."""
    everything, index = given.get("RedirectAllRequestsTo"), given.get("IndexDocument")
    if everything is not None:
        if len(given) > 1:
            raise InvalidRequest("RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.")
        _check_protocol(everything)
        return
    if index is None:
        raise InvalidArgument(
            "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty",
            ArgumentName="IndexDocument",
        )
    if not index["Suffix"] or "/" in index["Suffix"]:
        raise InvalidArgument("The IndexDocument Suffix is not well formed", ArgumentName="IndexDocument")
    rules = given.get("RoutingRules") or []
    if len(rules) > MAX_RULES:
        raise InvalidRequest(f"The number of routing rules must be at most {MAX_RULES}.")
    for rule in rules:
        _check_rule(rule)


def _check_rule(rule: Mapping[str, Any]) -> None:
    redirect = rule["Redirect"]
    _check_protocol(redirect)
    if not redirect or ("Condition" in rule and not rule["Condition"]):
        raise MalformedXML()
    if "ReplaceKeyWith" in redirect and "ReplaceKeyPrefixWith" in redirect:
        raise InvalidRequest("You can only define ReplaceKeyPrefix or ReplaceKey but not both.")
    for name, value in (
        ("HttpRedirectCode", redirect.get("HttpRedirectCode", "301")),
        ("HttpErrorCodeReturnedEquals", (rule.get("Condition") or {}).get("HttpErrorCodeReturnedEquals", "404")),
    ):
        wanted = range(301, 400) if name == "HttpRedirectCode" else range(400, 600)
        if not value.isdecimal() or int(value) not in wanted:
            raise InvalidRequest(f"The provided {name} ({value}) is not valid.")


def _check_protocol(redirect: Mapping[str, Any]) -> None:
    if redirect.get("Protocol", "http") not in _PROTOCOLS:
        raise InvalidRequest(
            "Invalid protocol, protocol can be http or https. If not defined the protocol will be selected "
            "automatically."
        )


def first_redirection(website: Mapping[str, Any], asked: Asked) -> Redirection | None:
    """Where a visitor is sent before anything is looked for."""
    everything = website.get("RedirectAllRequestsTo")
    if everything is not None:
        scheme = everything.get("Protocol") or asked.scheme
        return Redirection(status=301, location=f"{scheme}://{everything['HostName']}/{quote(asked.key)}")
    return _by_rules(website, asked, None)


def redirection_after(website: Mapping[str, Any], asked: Asked, status: int) -> Redirection | None:
    """Where a visitor is sent after an error."""
    return _by_rules(website, asked, str(status))


def object_key(website: Mapping[str, Any], key: str) -> str:
    """The object that a path means."""
    suffix: str = website["IndexDocument"]["Suffix"]
    return key + suffix if not key or key.endswith("/") else key


def folder_of(website: Mapping[str, Any], key: str) -> str | None:
    """The index of the folder that a path may have meant, though it has no slash at its end."""
    return None if not key or key.endswith("/") else object_key(website, f"{key}/")


def error_key(website: Mapping[str, Any]) -> str | None:
    found: str | None = (website.get("ErrorDocument") or {}).get("Key")
    return found


def _by_rules(website: Mapping[str, Any], asked: Asked, status: str | None) -> Redirection | None:
    rules: Sequence[Mapping[str, Any]] = website.get("RoutingRules") or []
    for rule in rules:
        condition = rule.get("Condition") or {}
        prefix = condition.get("KeyPrefixEquals", "")
        if condition.get("HttpErrorCodeReturnedEquals") == status and asked.key.startswith(prefix):
            return _redirection(rule["Redirect"], asked, prefix)
    return None


def _redirection(redirect: Mapping[str, Any], asked: Asked, prefix: str) -> Redirection:
    key = asked.key
    if "ReplaceKeyWith" in redirect:
        key = redirect["ReplaceKeyWith"]
    elif "ReplaceKeyPrefixWith" in redirect:
        key = redirect["ReplaceKeyPrefixWith"] + key.removeprefix(prefix)
    host = f"{redirect.get('Protocol') or asked.scheme}://{redirect.get('HostName') or asked.host}"
    status = int(redirect.get("HttpRedirectCode", "301"))
    return Redirection(status=status, location=f"{host}/{quote(key, safe='/#?=&')}")
