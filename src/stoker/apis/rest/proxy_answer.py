"""A function's result as the answer of a proxy integration. Pure.

Source: "Output format of a Lambda function for proxy integration" in the API Gateway developer guide.
"""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from stoker.apis.rest.exchange import is_binary
from stoker.apis.rest.gateway_responses import GatewayFault
from stoker.apis.rest.media_types import accepted
from stoker.model.http_event import JSON_TYPE, REMAPPED, HttpAnswer

_MEMBERS = frozenset({"isBase64Encoded", "statusCode", "headers", "multiValueHeaders", "body"})
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


def malformed() -> GatewayFault:
    """AWS does not say more to clients."""
    return GatewayFault("DEFAULT_5XX", "Internal server error", "InternalServerErrorException", status=502)


def proxy_answer(payload: bytes, *, binary_types: Sequence[str], accept: str | None) -> HttpAnswer:
    """Raises GatewayFault (502) where no answer can be made of a result."""
    try:
        result = json.loads(payload)
    except (ValueError, RecursionError):
        raise malformed() from None
    if not isinstance(result, dict) or set(result) - _MEMBERS:
        raise malformed()
    headers = _headers(result)
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.insert(0, ("Content-Type", JSON_TYPE))
    wanted = accepted(accept)
    decodes = result.get("isBase64Encoded") is True and (
        "*/*" in binary_types or (bool(wanted) and is_binary(binary_types, wanted[0]))
    )
    return HttpAnswer(status=_status(result.get("statusCode", 200)), headers=headers, body=_body(result, decodes))


def _status(value: object) -> int:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{3}", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 200 <= value <= 599:
        raise malformed()
    return value


def _headers(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Both kinds together; of what is in both only the lists count."""
    single, several = result.get("headers") or {}, result.get("multiValueHeaders") or {}
    if not isinstance(single, dict) or not isinstance(several, dict):
        raise malformed()
    listed = [(name, value) for name, values in several.items() for value in _listed(values)]
    known = {(name.lower(), value) for name, value in listed}
    plain = [(name, _text(value)) for name, value in single.items()]
    return [_named(*header) for header in [*(it for it in plain if (it[0].lower(), it[1]) not in known), *listed]]


def _listed(values: object) -> list[str]:
    if not isinstance(values, list):
        raise malformed()
    return [_text(value) for value in values]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        raise malformed()
    return str(value)


def _named(name: str, value: str) -> tuple[str, str]:
    # A line break in it would let whoever the function quotes write an answer of their own.
    if _NAME.fullmatch(name) is None or _VALUE.fullmatch(value) is None:
        raise malformed()
    return (f"x-amzn-Remapped-{name}" if name.lower() in REMAPPED else name), value


def _body(result: Mapping[str, Any], decodes: bool) -> bytes:
    body = result.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise malformed()
    if not decodes:
        return body.encode("utf-8", "replace")
    try:
        return base64.b64decode(body, validate=True)
    except ValueError:
        raise malformed() from None
