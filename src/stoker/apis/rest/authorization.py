"""Whether a request may be made: by its signature, the API's policy, and what an authorizer says.

Source: "How API Gateway resource policies affect authorization workflow" and "Use API Gateway Lambda authorizers" in
the API Gateway developer guide.
"""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stoker.apis.functions import FunctionCall, Functions, function_arn
from stoker.apis.rest.access import ACTION, Access, Decide, Verdict
from stoker.apis.rest.blueprint import Authorizer
from stoker.apis.rest.exchange import Authorized, Exchange
from stoker.apis.rest.gateway_responses import GatewayFault
from stoker.apis.rest.mapping import context_text, with_variables
from stoker.model.clock import Clock
from stoker.model.errors import ServiceError
from stoker.model.limited_regex import Pattern, PatternTimeoutError

# What authorizers said of callers: a KB or so each.
REMEMBERED = 10_000
TIMEOUT_S = 29.0
_SIGNATURE_FAULTS = {
    "MissingAuthenticationTokenException": "MISSING_AUTHENTICATION_TOKEN",
    "ExpiredTokenException": "EXPIRED_TOKEN",
}


@dataclass(frozen=True, kw_only=True)
class _Answer:
    """What an authorizer said, and how its policy decides; `until` (seconds since the epoch) it is remembered."""

    decide: Decide
    authorized: Authorized
    until: float


class Authorization:
    """Asked for every request before its method is done. Remembers what authorizers said for as long as they may."""

    def __init__(self, *, functions: Functions, access: Access, clock: Clock) -> None:
        self._functions = functions
        self._access = access
        self._clock = clock
        self._known: OrderedDict[tuple[str, ...], _Answer] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Authorization {len(self._known)} answers of authorizers>"

    def forget(self, api_id: str, stage: str | None = None) -> None:
        """A stage has changed, or its cache is flushed; without one all of an API's."""
        for key in [key for key in self._known if key[0] == api_id and stage in (None, key[1])]:
            del self._known[key]

    async def authorize(self, exchange: Exchange) -> Authorized:
        """Who may make the request; raises GatewayFault if it may not be made."""
        method, policy = exchange.method, exchange.blueprint.policy
        if method.authorization == "AWS_IAM":
            return await self._by_signature(exchange)
        if policy is not None:
            verdict = self._access.of_anybody(policy, exchange.method_arn, exchange.request)
            # Where an authorizer decides, a policy that says nothing lets it.
            if verdict is Verdict.DENIED or (verdict is Verdict.SILENT and method.authorizer is None):
                raise _policy_denies("anonymous", exchange, verdict)
        if method.authorizer is None:
            return Authorized()
        return await self._by_authorizer(exchange, method.authorizer)

    async def _by_signature(self, exchange: Exchange) -> Authorized:
        try:
            principal = await self._access.signer(exchange.request, exchange.body)
        except ServiceError as error:
            kind = _SIGNATURE_FAULTS.get(error.code, "INVALID_SIGNATURE")
            message = "Missing Authentication Token" if kind == "MISSING_AUTHENTICATION_TOKEN" else error.message
            raise GatewayFault(kind, message, error.code) from None
        arn = exchange.method_arn
        verdict = self._access.of_signer(principal, exchange.blueprint.policy, arn, exchange.request)
        if verdict is not Verdict.ALLOWED:
            raise _policy_denies(principal.arn, exchange, verdict)
        return Authorized(principal=principal)

    async def _by_authorizer(self, exchange: Exchange, authorizer: Authorizer) -> Authorized:
        identity = [_identity(exchange, source) for source in authorizer.sources]
        key = (exchange.blueprint.api_id, exchange.blueprint.stage, authorizer.id, *(value or "" for value in identity))
        if not all(identity) and (authorizer.kind == "TOKEN" or authorizer.ttl_s > 0):
            raise _unauthorized()
        validation = authorizer.validation
        if validation is not None and not await asyncio.to_thread(_is_valid, validation, identity[0] or ""):
            raise _unauthorized()
        answer = self._known.get(key)
        if answer is None or answer.until <= self._clock.time():
            answer = await self._ask(exchange, authorizer, identity[0] if authorizer.kind == "TOKEN" else None)
            self._remember(key, answer)
        verdict = answer.decide(exchange.method_arn, exchange.request)
        if verdict is Verdict.ALLOWED:
            return answer.authorized
        how = " with an explicit deny" if verdict is Verdict.DENIED else ""
        message = f"User is not authorized to access this resource{how}"
        raise GatewayFault("ACCESS_DENIED", message, "AccessDeniedException")

    async def _ask(self, exchange: Exchange, authorizer: Authorizer, token: str | None) -> _Answer:
        event: Mapping[str, Any]
        if authorizer.kind == "TOKEN":
            event = {"type": "TOKEN", "methodArn": exchange.method_arn, "authorizationToken": token}
        else:
            event = {"type": "REQUEST", "methodArn": exchange.method_arn, **exchange.event}
        blueprint = exchange.blueprint
        arn = function_arn(with_variables(authorizer.uri, blueprint.variables)) or ""
        call = FunctionCall(
            arn=arn,
            payload=json.dumps(event, separators=(",", ":")).encode(),
            source_arn=f"{blueprint.arn.rpartition('/')[0]}/authorizers/{authorizer.id}",
            region=blueprint.region,
            role_arn=authorizer.credentials,
            trace_id=exchange.request.trace_id,
        )
        try:
            answer = await asyncio.wait_for(self._functions.invoke(call), TIMEOUT_S)
        except (ServiceError, TimeoutError):
            raise _misconfigured() from None
        if answer.failed:
            raise _failed(answer.payload)
        document, authorized = _read(answer.payload)
        try:
            decide = self._access.policy(document)
        except ValueError:
            raise _misconfigured() from None
        return _Answer(decide=decide, authorized=authorized, until=self._clock.time() + authorizer.ttl_s)

    def _remember(self, key: tuple[str, ...], answer: _Answer) -> None:
        if answer.until > self._clock.time():
            self._known[key] = answer
            self._known.move_to_end(key)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)


def _identity(exchange: Exchange, source: str) -> str | None:
    """What a request has at an identity source."""
    if source.startswith("method.request."):
        kind, _, name = source.removeprefix("method.request.").partition(".")
        values = exchange.values(kind, name)
        return ",".join(values) if values else None
    if source.startswith("stageVariables."):
        return exchange.blueprint.variables.get(source.removeprefix("stageVariables."))
    return context_text(exchange, source.removeprefix("context."))


def _is_valid(validation: Pattern, token: str) -> bool:
    try:
        return validation.matches(token)
    except PatternTimeoutError:
        return False


def _read(payload: bytes) -> tuple[Any, Authorized]:
    """`{"principalId", "policyDocument", "context", "usageIdentifierKey"}`"""
    try:
        answer = json.loads(payload)
    except (ValueError, RecursionError):
        raise _misconfigured() from None
    if not isinstance(answer, dict) or not isinstance(answer.get("policyDocument"), dict | str):
        raise _misconfigured()
    principal, context = answer.get("principalId"), answer.get("context") or {}
    if not isinstance(principal, str) or not isinstance(context, dict):
        raise _misconfigured()
    if any(not isinstance(value, str | int | float | bool | None) for value in context.values()):
        raise _misconfigured()
    texts = {key: _as_text(value) for key, value in context.items()}
    authorized = Authorized(principal_id=principal, context=texts, usage_key=answer.get("usageIdentifierKey"))
    return answer["policyDocument"], authorized


def _as_text(value: Any) -> Any:
    """REST APIs hand all of an authorizer's values on as texts."""
    return value if isinstance(value, str) or value is None else json.dumps(value)


def _failed(payload: bytes) -> GatewayFault:
    """A function that raises `Unauthorized` says 401; any other error is one of the authorizer."""
    try:
        message = json.loads(payload).get("errorMessage")
    except (ValueError, AttributeError, RecursionError):
        message = None
    return _unauthorized() if message == "Unauthorized" else _misconfigured()


def _unauthorized() -> GatewayFault:
    return GatewayFault("UNAUTHORIZED", "Unauthorized", "UnauthorizedException")


def _misconfigured() -> GatewayFault:
    return GatewayFault("AUTHORIZER_CONFIGURATION_ERROR", None, "AuthorizerConfigurationException")


def _policy_denies(who: str, exchange: Exchange, verdict: Verdict) -> GatewayFault:
    """AWS shows the last digits of the account only."""
    account = exchange.blueprint.account
    arn = exchange.method_arn.replace(f":{account}:", f":{'*' * 8}{account[-4:]}:")
    how = " with an explicit deny" if verdict is Verdict.DENIED else ""
    message = f"User: {who} is not authorized to perform: {ACTION} on resource: {arn}{how}"
    return GatewayFault("ACCESS_DENIED", message, "AccessDeniedException")
