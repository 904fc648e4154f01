"""What functions of WebSocket APIs get, and how their results are read. Pure.

Source: "Integrate with a Lambda function" in the API Gateway Developer Guide, of WebSocket APIs.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stoker.apis.http.exchange import Exchange
from stoker.apis.http.payload_v1 import last_values, many_values
from stoker.model.http_event import MalformedAnswerError, answer_body, answer_header, answer_status, log_time

CONNECTED, MESSAGE, DISCONNECTED = "CONNECT", "MESSAGE", "DISCONNECT"


@dataclass(frozen=True, kw_only=True)
class SocketMoment:
    """What is going on at a connection: `kind` is one of the three; times are in seconds since the epoch."""

    kind: str
    connection_id: str
    connected_at: float
    at: float
    message_id: str | None = None
    body: str | bytes | None = None
    further: Mapping[str, Any] = field(default_factory=dict)


def socket_event(exchange: Exchange, moment: SocketMoment) -> bytes:
    """The event of a route's function."""
    return _encode(
        {
            **(_request_of(exchange) if moment.kind == CONNECTED else {}),
            **({"headers": _DISCONNECT_HEADERS} if moment.kind == DISCONNECTED else {}),
            **({"stageVariables": dict(exchange.stage.variables)} if exchange.stage.variables else {}),
            "requestContext": _context(exchange, moment),
            **_body(moment.body),
        }
    )


def socket_authorizer_event(exchange: Exchange, moment: SocketMoment, arn: str) -> bytes:
    """The event of an authorizer's function."""
    return _encode(
        {
            "type": "REQUEST",
            "methodArn": arn,
            **_request_of(exchange),
            "stageVariables": dict(exchange.stage.variables),
            "requestContext": _context(exchange, moment),
        }
    )


@dataclass(frozen=True, kw_only=True)
class SocketResult:
    """A function's result: of $connect the status and headers count, of a message the body."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


def read_socket_result(payload: bytes) -> SocketResult:
    """Raises MalformedAnswerError."""
    try:
        result = json.loads(payload)
    except ValueError as error:
        raise MalformedAnswerError("not JSON") from error
    if not isinstance(result, dict) or "statusCode" not in result:
        raise MalformedAnswerError("no statusCode")
    given = result.get("headers") or {}
    headers = [answer_header(name, value) for name, value in given.items()] if isinstance(given, dict) else []
    return SocketResult(status=answer_status(result["statusCode"]), headers=headers, body=answer_body(result))


def error_frame(text: str, connection_id: str, request_id: str) -> str:
    """What a client is told of a message that came to nothing."""
    return json.dumps({"message": text, "connectionId": connection_id, "requestId": request_id}, separators=(",", ":"))


# AWS sends the names with nothing in them.
_DISCONNECT_HEADERS = {"x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}


def _request_of(exchange: Exchange) -> dict[str, Any]:
    """What the client sent when it connected."""
    headers, query = many_values(exchange.request.fields), many_values(exchange.query)
    parameters = {"queryStringParameters": last_values(query), "multiValueQueryStringParameters": query}
    return {"headers": last_values(headers), "multiValueHeaders": headers, **(parameters if query else {})}


def _context(exchange: Exchange, moment: SocketMoment) -> dict[str, Any]:
    request = exchange.request
    return {
        "routeKey": exchange.route_key,
        **({"authorizer": dict(exchange.authorizer)} if exchange.authorizer else {}),
        **({"messageId": moment.message_id} if moment.message_id is not None else {}),
        "eventType": moment.kind,
        **moment.further,
        "extendedRequestId": exchange.request_id,
        "requestTime": log_time(moment.at),
        "messageDirection": "IN",
        "stage": exchange.stage.name,
        "connectedAt": int(moment.connected_at * 1000),
        "requestTimeEpoch": int(moment.at * 1000),
        "identity": {
            **({"userArn": exchange.caller.arn, "accountId": exchange.caller.account} if exchange.caller else {}),
            "userAgent": request.headers.get("user-agent", ""),
            "sourceIp": request.http.source_ip,
        },
        "requestId": exchange.request_id,
        "domainName": request.call.domain,
        "connectionId": moment.connection_id,
        "apiId": request.call.api_id,
    }


def _body(body: str | bytes | None) -> dict[str, Any]:
    if body is None:
        return {"isBase64Encoded": False}
    if isinstance(body, str):
        return {"body": body, "isBase64Encoded": False}
    return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def _encode(event: Mapping[str, Any]) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()
