"""What an extension subscribes to with the Telemetry API or the older Logs API: the request, checked. Pure.

Sources: "Lambda Telemetry API reference" and "Using the Lambda Logs API" in the AWS Lambda Developer Guide; bounds in
LAMBDA.md, Runtime API. All faults of a request are told at once, in one text, as AWS does.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from stoker.runtime_api.session import Refusal

HOSTS = ("sandbox.localdomain", "sandbox")
TYPES = ("platform", "function", "extension")
# The Telemetry API's: least, default, most.
ITEMS = (1_000, 10_000, 10_000)
BYTES = (262_144, 262_144, 1_048_576)
TIMEOUT_MS = (25, 1_000, 30_000)


class Api(StrEnum):
    """Which of the two the extension uses; it may use one of them."""

    TELEMETRY = "Telemetry"
    LOGS = "Logs"


_SCHEMAS = {Api.TELEMETRY: ("2025-01-29", "2022-12-13", "2022-07-01"), Api.LOGS: ("2021-03-18", "2020-08-15")}
# The Logs API's requests may leave it out.
_DEFAULT_SCHEMA = {Api.TELEMETRY: "", Api.LOGS: "2020-08-15"}
# JSON lines of a function come as objects from this version on, and as text before it.
_OBJECTS_SINCE = "2022-12-13"


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where it goes inside the sandbox. `method` and `path` are for HTTP; over TCP events come one a line."""

    protocol: str
    port: int
    method: str = "POST"
    path: str = "/"


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """A checked subscription. `host` is the name by which the destination was called."""

    api: Api
    types: tuple[str, ...]
    destination: Destination
    host: str = HOSTS[0]
    max_items: int = ITEMS[1]
    max_bytes: int = BYTES[1]
    timeout_ms: int = TIMEOUT_MS[1]
    schema_version: str = ""

    @property
    def wants_objects(self) -> bool:
        """Whether a function's JSON lines come as objects."""
        return self.api is Api.TELEMETRY and self.schema_version >= _OBJECTS_SINCE


CLOSED = {
    api: Refusal(
        status=403, error_type=f"{api}.SubscriptionClosed", message=f"{api} API subscription is closed already"
    )
    for api in Api
}
OTHER_API = Refusal(
    status=403,
    error_type="ValidationError",
    message="The extension is subscribed by the other one of Telemetry API and Logs API already",
)


def parse(api: Api, body: bytes) -> Subscription | Refusal:
    """A subscription request's body; a refusal (400, 403) where it cannot be obeyed."""
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        return _invalid(api, ["request body is not JSON"])
    if not isinstance(request, dict):
        return _invalid(api, ["request body is not a JSON object"])
    faults: list[str] = []
    types = _types(request.get("types"), faults)
    version = request.get("schemaVersion", _DEFAULT_SCHEMA[api])
    if version not in _SCHEMAS[api]:
        faults.append(f"schemaVersion should be one of {', '.join(_SCHEMAS[api])}")
    buffering = request.get("buffering", {})
    if not isinstance(buffering, dict):
        faults.append("buffering should be an object")
        buffering = {}
    max_items = _bounded(buffering, "maxItems", ITEMS, faults)
    max_bytes = _bounded(buffering, "maxBytes", BYTES, faults)
    timeout_ms = _bounded(buffering, "timeoutMs", TIMEOUT_MS, faults)
    found = _destination(api, request.get("destination"), faults)
    if isinstance(found, Refusal):
        return found
    if faults or found is None:
        return _invalid(api, faults)
    host, destination = found
    return Subscription(
        api=api,
        types=types,
        destination=destination,
        host=host,
        max_items=max_items,
        max_bytes=max_bytes,
        timeout_ms=timeout_ms,
        schema_version=version,
    )


def _types(value: object, faults: list[str]) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        faults.append("types should not be empty")
        return ()
    if any(each not in TYPES for each in value):
        faults.append(f"types should be some of {', '.join(TYPES)}")
        return ()
    return tuple(each for each in TYPES if each in value)


def _bounded(buffering: Mapping[str, Any], name: str, bounds: tuple[int, int, int], faults: list[str]) -> int:
    least, default, most = bounds
    value = buffering.get(name, default)
    if type(value) is not int or not least <= value <= most:
        faults.append(f"{name} should be between {least} and {most}")
        return default
    return value


def _destination(api: Api, value: object, faults: list[str]) -> tuple[str, Destination] | Refusal | None:
    if not isinstance(value, dict):
        faults.append("destination should be an object")
        return None
    protocol = value.get("protocol")
    if protocol == "TCP":
        port = value.get("port")
        if type(port) is not int or not 0 < port < 1 << 16:
            faults.append("port should be between 1 and 65535")
            return None
        return HOSTS[0], Destination(protocol=protocol, port=port)
    if protocol != "HTTP":
        faults.append("protocol should be HTTP or TCP")
        return None
    method = value.get("method", "POST")
    if method not in ("POST", "PUT"):
        faults.append("method should be POST or PUT")
    return _http(api, value.get("URI"), str(method), faults)


def _http(api: Api, uri: object, method: str, faults: list[str]) -> tuple[str, Destination] | Refusal | None:
    # What goes into a request line must not hold another.
    if not isinstance(uri, str) or not uri.isascii() or any(character <= " " for character in uri):
        faults.append("URI is not valid")
        return None
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        faults.append("URI is not valid")
        return None
    if parts.scheme != "http":
        return _denied(api, "Only 'http' scheme is supported.")
    if parts.hostname not in HOSTS:
        return _denied(api, f"Only '{HOSTS[0]}' hostname is supported.")
    if not port:
        faults.append("URI port is not provided")
        return None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.hostname, Destination(protocol="HTTP", port=port, method=method, path=path)


def _invalid(api: Api, faults: list[str]) -> Refusal:
    prefix = "Logs." if api is Api.LOGS else ""
    return Refusal(status=400, error_type=f"{prefix}ValidationError", message="; ".join(faults))


def _denied(api: Api, message: str) -> Refusal:
    return Refusal(status=403, error_type=f"{api}.AccessDenied", message=message)
