"""The Runtime API's paths and what it writes: pure, bytes in and bytes out.

Source: "Using the Lambda runtime API for custom runtimes" in the AWS Lambda Developer Guide.
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

from stoker.runtime_api.session import Delivery, Refusal

_RUNTIME = "/2018-06-01/runtime/"
_INVOCATION = _RUNTIME + "invocation/"


class Operation(StrEnum):
    """What a request asks for."""

    NEXT = "next"
    RESPONSE = "response"
    ERROR = "error"
    INIT_ERROR = "init/error"
    REGISTER = "extension/register"
    EVENT_NEXT = "extension/event/next"
    EXTENSION_INIT_ERROR = "extension/init/error"
    EXTENSION_EXIT_ERROR = "extension/exit/error"
    TELEMETRY = "telemetry"
    LOGS = "logs"


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """A request's operation, and its invocation where the path names one."""

    operation: Operation
    request_id: str = ""
    for_extensions: bool = False


_FIXED = {
    ("GET", _INVOCATION + "next"): Route(operation=Operation.NEXT),
    ("POST", _RUNTIME + "init/error"): Route(operation=Operation.INIT_ERROR),
    **{
        (method, path): Route(operation=operation, for_extensions=True)
        for method, path, operation in (
            ("POST", "/2020-01-01/extension/register", Operation.REGISTER),
            ("GET", "/2020-01-01/extension/event/next", Operation.EVENT_NEXT),
            ("POST", "/2020-01-01/extension/init/error", Operation.EXTENSION_INIT_ERROR),
            ("POST", "/2020-01-01/extension/exit/error", Operation.EXTENSION_EXIT_ERROR),
            # The references say the path with a slash at its end, their examples without.
            ("PUT", "/2022-07-01/telemetry", Operation.TELEMETRY),
            ("PUT", "/2022-07-01/telemetry/", Operation.TELEMETRY),
            ("PUT", "/2020-08-15/logs", Operation.LOGS),
            ("PUT", "/2020-08-15/logs/", Operation.LOGS),
        )
    },
}


def find_route(method: str, path: str) -> Route | Refusal:
    """The route of a request line; a refusal (404) for all others.

    `restore/next` is among those, as at AWS for whatever has no SnapStart; Python's, which has, comes by frames.
    """
    fixed = _FIXED.get((method, path))
    if fixed is not None:
        return fixed
    if method == "POST" and path.startswith(_INVOCATION):
        request_id, _, operation = path.removeprefix(_INVOCATION).partition("/")
        if operation in (Operation.RESPONSE, Operation.ERROR):
            return Route(operation=Operation(operation), request_id=request_id)
    return Refusal(status=404, error_type="NotFound", message=f"The Runtime API has no {method} {path[:128]}")


CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def reply(status: int, body: bytes, *headers: tuple[bytes, bytes]) -> bytes:
    """An answer with a JSON body."""
    return b"HTTP/1.1 %d %s\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s" % (
        status,
        HTTPStatus(status).phrase.encode(),
        b"".join(b"%s: %s\r\n" % header for header in headers),
        len(body),
        body,
    )


ACCEPTED = reply(202, b'{"status":"OK"}')


def refusal_reply(refusal: Refusal) -> bytes:
    members = {"errorMessage": refusal.message, "errorType": refusal.error_type}
    return reply(refusal.status, json.dumps(members).encode())


def event_reply(delivery: Delivery) -> bytes:
    """The answer to `next`."""
    invocation = delivery.invocation
    optional = (
        ("Trace-Id", invocation.trace_id),
        ("Client-Context", invocation.client_context),
        ("Cognito-Identity", invocation.cognito_identity),
    )
    return b"".join(
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: ",
            invocation.request_id.encode(),
            b"\r\nLambda-Runtime-Deadline-Ms: %d\r\nLambda-Runtime-Invoked-Function-Arn: " % delivery.deadline_ms,
            _header_value(invocation.invoked_arn),
            *(
                b"\r\nLambda-Runtime-%s: %s" % (name.encode(), _header_value(value))
                for name, value in optional
                if value is not None
            ),
            b"\r\nContent-Length: %d\r\n\r\n" % len(invocation.payload),
            invocation.payload,
        )
    )


def _header_value(value: str) -> bytes:
    """A caller's text as one header line: JSON stays the same JSON when its line breaks become spaces."""
    return value.replace("\r", " ").replace("\n", " ").encode()
