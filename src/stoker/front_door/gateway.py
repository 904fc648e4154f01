"""The gateway: which API a request is for, by its host or its path, and handing it to whoever has that API.

HTTP, WebSocket and REST APIs each bring an `ApiHost` along; what they have in common is here.
"""

import json
import logging
import re
from collections.abc import Sequence
from functools import partial

from stoker.apis.request import MAX_BODY_BYTES, PATH, ApiCall, ApiDomains, ApiHost, ApiRequest, SocketHost
from stoker.front_door.body import Body, ClientDisconnectedError
from stoker.front_door.gateway_sockets import GatewaySockets, Receive, Send, refuse
from stoker.front_door.http_answers import SANDBOX, event_fields, event_headers, to_response
from stoker.front_door.limits import BodyLimit
from stoker.front_door.own_paths import PREFIX
from stoker.invocations import trace
from stoker.model.clock import Clock
from stoker.model.errors import ServiceError
from stoker.model.http_event import JSON_TYPE, HttpAnswer
from stoker.wire.errors import RequestEntityTooLargeException
from stoker.wire.message import Request, Response
from stoker.wire.sigv4 import ALGORITHM

log = logging.getLogger(__name__)

_HOST = re.compile(r"([a-z0-9]{1,63})\.execute-api\.([a-z0-9-]{1,63})\.", re.IGNORECASE)
CONNECTIONS = "/@connections/"
_CONNECTIONS = re.compile(r"(/[^/]*)?/(@|%40)connections/")
_LIMIT = BodyLimit(most=MAX_BODY_BYTES, action="Invoke")


class Gateway:
    """Asks each host whether an API is its own. The error boundary of APIs: each words its errors itself, but for what
    nobody expected.
    """

    def __init__(
        self,
        *,
        hosts: Sequence[ApiHost],
        domains: Sequence[ApiDomains],
        clock: Clock,
        sockets: Sequence[SocketHost] = (),
    ) -> None:
        self._hosts = hosts
        self._sockets = GatewaySockets(sockets)
        self._domains = domains
        self._clock = clock

    def __repr__(self) -> str:
        return f"<Gateway {len(self._hosts)} kinds of APIs>"

    def serves(self, request: Request) -> ApiCall | None:
        """The API that a request is addressed to; None for any other request."""
        if request.path.startswith(PATH):
            api_id, slash, rest = request.path.removeprefix(PATH).partition("/")
            return ApiCall(
                api_id=api_id, region=None, path=slash + rest or "/", domain=_domain(request.host), by_path=True
            )
        if ".execute-api." in request.host and (found := _HOST.match(request.host)) is not None:
            return ApiCall(
                api_id=found[1].lower(), region=found[2].lower(), path=request.path, domain=_domain(request.host)
            )
        for domains in self._domains:
            host = _domain(request.host).lower()
            if domains.serves(host) and not _is_stokers(request):
                unmapped = ApiCall(api_id="", region=None, path=request.path, domain=host)
                return domains.find(host, request.path) or unmapped
        return None

    async def answer(self, call: ApiCall, request: Request, body: Body, *, from_sandbox: bool) -> Response:
        """The answer of the API's host. `from_sandbox` requests may be signed by sessions only."""
        try:
            found = await self._find(call)
            if found is None:
                answer = _message(404, "Not Found")
            else:
                host, region = found
                answer = await host.answer(self._request(call, region, request, body, from_sandbox=from_sandbox))
        except ClientDisconnectedError:
            raise
        except ServiceError as error:
            answer = _message(error.status, error.message)
        except Exception:
            # The boundary: whatever a host did not expect is ours, told here once and not outside.
            log.exception("API %s: %s %s failed", call.api_id, request.method, call.path)
            answer = _message(500, "Internal Server Error")
        return to_response(answer, [SANDBOX] if call.by_path else [])

    async def connect(self, request: Request, receive: Receive, send: Send, *, from_sandbox: bool) -> None:
        """A client that wants to speak WebSocket: with an API's host, or with nobody."""
        call = self.serves(request)
        try:
            await receive()
            found = None if call is None else await self._sockets.find(call)
            if call is None or found is None:
                await refuse(_message(404, "Not Found"), send)
                return
            host, region = found
            asked = self._request(call, region, request, None, from_sandbox=from_sandbox)
            await self._sockets.serve(host, asked, receive, send)
        except ServiceError as error:
            await refuse(_message(error.status, error.message), send)

    async def _find(self, call: ApiCall) -> tuple[ApiHost, str] | None:
        for host in self._hosts:
            region = await host.region_of(call.api_id)
            if region is not None:
                return (host, region) if call.region in (None, region) else None
        return None

    def _request(
        self, call: ApiCall, region: str, request: Request, body: Body | None, *, from_sandbox: bool
    ) -> ApiRequest:
        now = self._clock.time()
        # The client's trace goes on.
        trace_id = trace.begin(request.trace_id, now)
        headers = event_headers(request, trace_id)
        return ApiRequest(
            call=call,
            region=region,
            http=request,
            read_fields=partial(event_fields, request.fields, headers),
            headers=headers,
            trace_id=trace_id,
            at=now,
            from_sandbox=from_sandbox,
            body=partial(_read, body),
        )


async def _read(body: Body | None) -> bytes:
    try:
        return b"" if body is None else await body.read(_LIMIT)
    except RequestEntityTooLargeException:
        raise RequestEntityTooLargeException("Request Entity Too Large") from None


def _is_stokers(request: Request) -> bool:
    """Whether a request is for Stoker or one of its services whatever its host is called: a name that somebody gave to
    an API must not keep the operator out.
    """
    signed = request.headers.get("authorization", "")
    return request.path.startswith(PREFIX) or (signed.startswith(ALGORITHM) and "/execute-api/" not in signed)


def at_connections(call: ApiCall) -> bool:
    """Whether a request is for the management API of a WebSocket API, which is an AWS API at the API's address."""
    return "connections/" in call.path and _CONNECTIONS.match(call.path) is not None


def connections_path(path: str) -> str:
    """The path by which the management API knows its operations, of a request at an API's address."""
    return CONNECTIONS + path.partition("connections/")[2]


def _domain(host: str) -> str:
    """The name without a port."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() else host


def _message(status: int, text: str) -> HttpAnswer:
    body = json.dumps({"message": text}).encode()
    return HttpAnswer(status=status, headers=[("Content-Type", JSON_TYPE)], body=body)
