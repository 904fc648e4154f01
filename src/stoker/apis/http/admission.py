"""Who may take a route: anybody, whoever signs and is allowed, whoever has a token, whom a function lets in."""

import asyncio

from stoker.apis.access import Permissions, route_arn
from stoker.apis.http.exchange import Exchange
from stoker.apis.http.function_authorizer import Event, FunctionAuthorizers
from stoker.apis.http.refusal import forbidden, internal_error
from stoker.apis.http.routes import CONNECT
from stoker.apis.http.tokens import Tokens, claim_texts, scopes_of
from stoker.model.errors import ServiceError
from stoker.model.http_event import iam_of
from stoker.wire.sigv4 import Verifier

SIGNED_FOR = "execute-api"
_HASHED_IN_A_THREAD_BYTES = 256 * 1024


class Admission:
    """Decides, and writes what it found out into the exchange."""

    def __init__(
        self,
        *,
        verifier: Verifier,
        permissions: Permissions,
        tokens: Tokens,
        functions: FunctionAuthorizers,
        account: str,
    ) -> None:
        self._verifier = verifier
        self._permissions = permissions
        self._tokens = tokens
        self._functions = functions
        self._account = account

    def __repr__(self) -> str:
        return f"<Admission by {self._tokens!r} and {self._functions!r}>"

    async def check(self, exchange: Exchange, event: Event | None = None) -> None:
        """Raises RefusedError. A signed request's body is read here, any other's is not.

        `event` makes what an authorizer's function gets, for a WebSocket.
        """
        route = exchange.route
        if route is None or route.authorization == "NONE":
            return
        if route.authorization == "AWS_IAM":
            await self._check_signature(exchange)
            return
        authorizer = route.authorizer
        if authorizer is None:
            raise internal_error("the route's authorizer is not there")
        if authorizer.kind == "JWT":
            token = exchange.value(authorizer.sources[0].removeprefix("$"))
            claims = await self._tokens.check(token, authorizer, route.scopes)
            scopes = list(scopes_of(claims)) or None
            exchange.claims = claim_texts(claims)
            exchange.authorizer = {"jwt": {"claims": exchange.claims, "scopes": scopes}}
            if _is_v1(exchange):
                exchange.authorizer = exchange.authorizer["jwt"]
            return
        verdict = await self._functions.check(exchange, authorizer, self.arn(exchange), event)
        named = {} if verdict.principal is None else {"principalId": verdict.principal}
        exchange.claims = {**verdict.context, **named}
        exchange.authorizer = exchange.claims if _is_v1(exchange) else {"lambda": dict(verdict.context)}

    def arn(self, exchange: Exchange) -> str:
        """What is asked for, as policies name it."""
        call, method = exchange.request.call, exchange.request.http.method
        rest = exchange.route_key if _is_socket(exchange) else f"{method}{exchange.path}"
        return route_arn(exchange.request.region, self._account, call.api_id, exchange.stage.name, rest)

    async def _check_signature(self, exchange: Exchange) -> None:
        """AWS says no more than Forbidden, whatever is wrong with a signature."""
        request = exchange.request
        try:
            claim = self._verifier.claim(request.http)
        except ServiceError as error:
            raise forbidden(error.message) from error
        principal, scope = claim.principal, claim.scope
        if scope.service != SIGNED_FOR or scope.region != request.region:
            raise forbidden("the signature is for another service or region")
        if request.from_sandbox and not principal.is_session:
            raise forbidden("only a role's session may sign here")
        signed = request.http.with_body(await exchange.read_body())
        try:
            if len(exchange.body) > _HASHED_IN_A_THREAD_BYTES:
                exchange.body = await asyncio.to_thread(self._verifier.verify, signed, claim)
            else:
                exchange.body = self._verifier.verify(signed, claim)
        except ServiceError as error:
            raise forbidden(error.message) from error
        if not self._permissions.may_invoke(
            principal,
            self.arn(exchange),
            region=request.region,
            source_ip=request.http.source_ip,
            tls=request.http.is_secure,
        ):
            raise forbidden(f"{principal.arn} is not allowed execute-api:Invoke")
        exchange.caller = principal
        exchange.authorizer = None if _is_v1(exchange) else {"iam": iam_of(principal)}


def _is_socket(exchange: Exchange) -> bool:
    return exchange.route_key == CONNECT


def _is_v1(exchange: Exchange) -> bool:
    if _is_socket(exchange):
        return True
    route = exchange.route
    return route is not None and route.integration is not None and route.integration.payload == "1.0"
