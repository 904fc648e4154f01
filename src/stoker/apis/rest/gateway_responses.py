"""What API Gateway itself answers: its types with their statuses, and how an API rewords them. Pure.

Source: "Gateway response types for API Gateway" in the API Gateway developer guide.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stoker.apis.rest.documents import Document
from stoker.apis.rest.headers import cleaned
from stoker.model.http_event import JSON_TYPE, HttpAnswer

# By type; the two defaults for all others have no status of their own.
DEFAULTS: Mapping[str, int | None] = {
    "ACCESS_DENIED": 403,
    "API_CONFIGURATION_ERROR": 500,
    "AUTHORIZER_CONFIGURATION_ERROR": 500,
    "AUTHORIZER_FAILURE": 500,
    "BAD_REQUEST_BODY": 400,
    "BAD_REQUEST_PARAMETERS": 400,
    "DEFAULT_4XX": None,
    "DEFAULT_5XX": None,
    "EXPIRED_TOKEN": 403,
    "INTEGRATION_FAILURE": 504,
    "INTEGRATION_TIMEOUT": 504,
    "INVALID_API_KEY": 403,
    "INVALID_SIGNATURE": 403,
    "MISSING_AUTHENTICATION_TOKEN": 403,
    "QUOTA_EXCEEDED": 429,
    "REQUEST_TOO_LARGE": 413,
    "RESOURCE_NOT_FOUND": 404,
    "THROTTLED": 429,
    "UNAUTHORIZED": 401,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "WAF_FILTERED": 403,
}
_TEMPLATES = {"application/json": '{"message":$context.error.messageString}'}
_NAME = r"(?:context|stageVariables|method\.request)(?:\.[\w-]+)+"
_VARIABLE = re.compile(rf"\$\{{({_NAME})\}}|\$({_NAME})")


class GatewayFault(Exception):  # noqa: N818 (AWS calls them responses; some say only that a caller has to wait)
    """The gateway answers itself. `kind` is one of DEFAULTS, `error_type` the header x-amzn-ErrorType's.

    `status` replaces the type's, where one type has several. `validation` is $context.error.validationErrorString.
    """

    def __init__(
        self, kind: str, message: str | None, error_type: str, *, status: int | None = None, validation: str = ""
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.error_type = error_type
        self.validation = validation
        self.status = status or DEFAULTS[kind] or 500


@dataclass(frozen=True, kw_only=True)
class Wording:
    """One gateway response as an API has it. `status` is None where the type's own holds."""

    status: int | None
    parameters: Mapping[str, str]
    templates: Mapping[str, str]


def wordings(document: Mapping[str, Any]) -> Mapping[str, Wording]:
    """Those that an API has reworded, by type."""
    return {
        kind: Wording(
            status=int(given["statusCode"]) if given.get("statusCode") else None,
            parameters=given.get("responseParameters") or {},
            templates=given.get("responseTemplates") or _TEMPLATES,
        )
        for kind, given in document["gatewayResponses"].items()
    }


def word(fault: GatewayFault, known: Mapping[str, Wording], look_up: Callable[[str], str | None]) -> HttpAnswer:
    """The answer of a fault. `look_up` finds the variables of templates and parameters: `context.requestId`, …"""
    # A type that an API has not reworded follows the default of its class, where the API reworded that.
    wording = known.get(fault.kind) or known.get("DEFAULT_5XX" if fault.status >= 500 else "DEFAULT_4XX")
    headers = [("x-amzn-ErrorType", fault.error_type)]
    if wording is None:
        # Of a refusal by a policy AWS writes the name of the message so.
        name = "Message" if fault.kind == "ACCESS_DENIED" else "message"
        body = json.dumps({name: fault.message}, separators=(",", ":"), ensure_ascii=False)
        return HttpAnswer(status=fault.status, headers=[("Content-Type", JSON_TYPE), *headers], body=body.encode())
    values: dict[str, str | None] = {
        "context.error.message": fault.message,
        "context.error.messageString": json.dumps(fault.message, ensure_ascii=False),
        "context.error.responseType": fault.kind,
        "context.error.validationErrorString": fault.validation or fault.message,
    }

    def fill(name: str) -> str:
        return (values[name] if name in values else look_up(name)) or ""

    content_type, template = next(iter(wording.templates.items()))
    for place, source in wording.parameters.items():
        text = source[1:-1] if source.startswith("'") else fill(source)
        headers.append((place.removeprefix("gatewayresponse.header."), cleaned(text)))
    body = _VARIABLE.sub(lambda found: fill(found[1] or found[2]), template)
    named = {name.lower() for name, _ in headers}
    typed = [] if "content-type" in named else [("Content-Type", content_type)]
    return HttpAnswer(status=wording.status or fault.status, headers=[*typed, *headers], body=body.encode())


def shown(document: Document, kind: str) -> Document:
    """A gateway response as the API shows it."""
    own = document["gatewayResponses"].get(kind)
    if own is not None:
        return {
            "responseType": kind,
            "responseParameters": {},
            "responseTemplates": {},
            **own,
            "defaultResponse": False,
        }
    status = DEFAULTS[kind]
    return {
        "responseType": kind,
        **({} if status is None else {"statusCode": str(status)}),
        "responseParameters": {},
        "responseTemplates": dict(_TEMPLATES),
        "defaultResponse": True,
    }
