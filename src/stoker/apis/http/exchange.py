"""One request on its way through an HTTP API, and what is known of it: the variables of mappings and of logs.

Source: "Customize HTTP API access logs" and "Transform API requests and responses" in the API Gateway Developer Guide.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote

from stoker.apis.http.compiled import DeployedStage, Route
from stoker.apis.http.refusal import RefusedError
from stoker.apis.request import ApiRequest
from stoker.model.errors import ServiceError
from stoker.model.http_event import PROTOCOL, HttpAnswer, log_time
from stoker.model.principal import Principal


class Exchange:
    """Filled in as the request goes on: its `route`, who sent it, its `body`, its `answer`.

    `path` is what follows the stage. `variables` are those of the path. `authorizer` is what the route's found out,
    as an event has it, and `claims` what `$context.authorizer.…` stands for.
    """

    def __init__(self, request: ApiRequest, stage: DeployedStage, path: str, request_id: str, account: str) -> None:
        self.request = request
        self.stage = stage
        self.path = path
        self.request_id = request_id
        self.account = account
        self.route: Route | None = None
        self.variables: Mapping[str, str] = {}
        self.body = b""
        self._has_read = False
        self.authorizer: Mapping[str, Any] | None = None
        self.claims: Mapping[str, Any] = {}
        self.caller: Principal | None = None
        self.answer: HttpAnswer | None = None
        self.integration_status: int | None = None
        self.integration_began = 0.0
        self.integration_ended = 0.0
        # What a kind of API has beside: `connectionId`, `eventType`, …
        self.further: Mapping[str, str] = {}
        self.error = ""
        self.integration_error = ""
        # Seconds since the epoch, once the answer is there.
        self.ended_at = 0.0

    def __repr__(self) -> str:
        return f"<Exchange {self.request_id} {self.request.http.method} {self.path}>"

    async def read_body(self) -> bytes:
        """The request's body, into `body`. Raises RefusedError for one that is too large."""
        if not self._has_read:
            try:
                self.body = await self.request.body()
            except ServiceError as error:
                raise RefusedError(error.status, error.message, reason=error.message) from error
            self._has_read = True
        return self.body

    @property
    def route_key(self) -> str:
        return "" if self.route is None else self.route.key

    @cached_property
    def query(self) -> Sequence[tuple[str, str]]:
        """The query's parameters, decoded, in their order."""
        return parse_qsl(self.request.http.query, keep_blank_values=True)

    @property
    def domain_prefix(self) -> str:
        call = self.request.call
        return call.api_id if call.by_path else call.domain.partition(".")[0]

    def value(self, selector: str) -> str | None:
        """What a mapping's or an identity source's selector stands for: `request.header.a`, `context.stage`, …"""
        root, _, rest = selector.partition(".")
        if root == "route":
            # WebSocket APIs' authorizers write `route.request.header.a`.
            return self.value(rest)
        if root == "context":
            return self.context(rest)
        if root == "stageVariables":
            return self.stage.variables.get(rest)
        if root == "request":
            return self._of_request(rest)
        if root == "response":
            return self._of_answer(rest)
        return None

    def context(self, name: str) -> str | None:
        """A `$context` variable; None where there is no such, or it has no value."""
        root, _, rest = name.partition(".")
        if root in ("authorizer", "identity") and rest:
            return self._authorizer(rest) if root == "authorizer" else self._identity(rest)
        if name in self.further:
            return self.further[name]
        read = _CONTEXT.get(name)
        value = None if read is None else read(self)
        return None if value is None or value == "" else str(value)

    def _of_request(self, rest: str) -> str | None:
        place, _, name = rest.partition(".")
        if place == "header":
            return self.request.headers.get(name.lower())
        if place == "querystring":
            found = [value for key, value in self.query if key == name]
            return ",".join(found) if found else None
        if place == "path":
            return self.variables.get(name) if name else unquote(self.path)
        if place == "body":
            return _from_json(self.body, name)
        return None

    def _of_answer(self, rest: str) -> str | None:
        place, _, name = rest.partition(".")
        if self.answer is None or not isinstance(self.answer.body, bytes):
            return None
        if place == "header":
            found = [value for key, value in self.answer.headers if key.lower() == name.lower()]
            return ",".join(found) if found else None
        return _from_json(self.answer.body, name) if place == "body" else None

    def _authorizer(self, name: str) -> str | None:
        if name.startswith("claims."):
            name = name.removeprefix("claims.")
        value = self.error if name == "error" else self.claims.get(name)
        return None if value is None else value if isinstance(value, str) else json.dumps(value)

    def _identity(self, name: str) -> str | None:
        caller = self.caller
        values = {
            "sourceIp": self.request.http.source_ip,
            "userAgent": self.request.headers.get("user-agent"),
            "accountId": caller.account if caller else None,
            "caller": caller.user_id if caller else None,
            "user": caller.user_id if caller else None,
            "userArn": caller.arn if caller else None,
        }
        return values.get(name)


def _from_json(body: bytes, path: str) -> str | None:
    """A member of a JSON body, by names with dots between; the whole body without any."""
    if not path:
        return body.decode(errors="replace")
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    for name in path.replace("[", ".").replace("]", "").split("."):
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return None if value is None else value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(at * 1000) % 1000:03}Z"


def _length(of: Exchange) -> int | None:
    body = None if of.answer is None else of.answer.body
    return len(body) if isinstance(body, bytes) else None


def _latency_ms(of: Exchange) -> int | None:
    return None if not of.integration_ended else int((of.integration_ended - of.integration_began) * 1000)


_CONTEXT: Mapping[str, Any] = {
    "accountId": lambda of: of.account,
    "apiId": lambda of: of.request.call.api_id,
    "dataProcessed": lambda of: len(of.body) + (_length(of) or 0),
    "domainName": lambda of: of.request.call.domain,
    "domainPrefix": lambda of: of.domain_prefix,
    "error.message": lambda of: of.error,
    "error.messageString": lambda of: f'"{of.error}"' if of.error else None,
    "extendedRequestId": lambda of: of.request_id,
    "httpMethod": lambda of: of.request.http.method,
    "integration.error": lambda of: of.integration_error,
    "integration.integrationStatus": lambda of: of.integration_status,
    "integration.latency": _latency_ms,
    "integration.status": lambda of: of.integration_status,
    "integrationErrorMessage": lambda of: of.integration_error,
    "integrationLatency": _latency_ms,
    "integrationStatus": lambda of: of.integration_status,
    "path": lambda of: of.request.call.path,
    "protocol": lambda of: PROTOCOL,
    "requestId": lambda of: of.request_id,
    "requestTime": lambda of: log_time(of.request.at),
    "requestTimeEpoch": lambda of: int(of.request.at * 1000),
    "responseLatency": lambda of: int((of.ended_at - of.request.at) * 1000) if of.ended_at else None,
    "responseLength": _length,
    "routeKey": lambda of: of.route_key,
    "stage": lambda of: of.stage.name,
    "status": lambda of: None if of.answer is None else of.answer.status,
}
