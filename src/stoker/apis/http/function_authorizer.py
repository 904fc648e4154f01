"""Authorizers that are functions: asked with the request, believed for a while.

Source: "Control access to HTTP APIs with AWS Lambda authorizers" in the API Gateway Developer Guide.
"""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from stoker.apis.access import Allows, Permissions, route_arn
from stoker.apis.functions import FunctionCall, Functions
from stoker.apis.http.compiled import Authorizer
from stoker.apis.http.events import authorizer_event
from stoker.apis.http.exchange import Exchange
from stoker.apis.http.refusal import forbidden, internal_error, unauthorized
from stoker.model.clock import Clock
from stoker.model.errors import ServiceError

# An authorizer has ten seconds. Source: "Amazon API Gateway quotas".
TIMEOUT_S = 10.0
MAX_KEPT = 10_000

_Key = tuple[str, str, str, tuple[str, ...]]
Event = Callable[[Sequence[str]], bytes]
"""The event of an authorizer's function, by the values of the authorizer's identity sources."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What an authorizer said: whom it lets do what, and what it has to say of the caller."""

    allows: Allows
    context: Mapping[str, Any]
    principal: str | None = None


class FunctionAuthorizers:
    """Asks functions, and remembers what they said for as long as their authorizer wants."""

    def __init__(self, *, functions: Functions, permissions: Permissions, clock: Clock, account: str) -> None:
        self._functions = functions
        self._permissions = permissions
        self._clock = clock
        self._account = account
        self._kept: OrderedDict[_Key, tuple[float, Verdict]] = OrderedDict()

    def __repr__(self) -> str:
        return f"<FunctionAuthorizers {len(self._kept)} verdicts kept>"

    def forget(self, api_id: str, stage: str | None = None) -> None:
        """Believe nothing any more that was said for an API, or one of its stages."""
        stale = [key for key in self._kept if key[0] == api_id and stage in (None, key[1])]
        for key in stale:
            del self._kept[key]

    async def check(self, exchange: Exchange, authorizer: Authorizer, arn: str, event: Event | None = None) -> Verdict:
        """`event` makes what the function gets, where that is not the event of an HTTP API.

        Raises RefusedError: 401 without identity, 403 if it says no, 500 if it does not say.
        """
        found = [exchange.value(source.removeprefix("$")) for source in authorizer.sources]
        sources = [each for each in found if each]
        if len(sources) < len(authorizer.sources):
            raise unauthorized("an identity source of the authorizer is missing")
        write = event or partial(authorizer_event, exchange, arn=arn, payload=authorizer.payload)
        verdict = await self._verdict(exchange, authorizer, tuple(sources), write)
        if not verdict.allows(arn):
            raise forbidden("the authorizer does not allow it")
        return verdict

    async def _verdict(
        self, exchange: Exchange, authorizer: Authorizer, sources: tuple[str, ...], event: Event
    ) -> Verdict:
        key = (exchange.request.call.api_id, exchange.stage.name, authorizer.id, sources)
        now = self._clock.monotonic()
        until, kept = self._kept.get(key, (0.0, None))
        if kept is not None and now < until:
            return kept
        verdict = await self._ask(exchange, authorizer, event(sources))
        if authorizer.ttl_s:
            self._kept[key] = (now + authorizer.ttl_s, verdict)
            self._kept.move_to_end(key)
            if len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return verdict

    async def _ask(self, exchange: Exchange, authorizer: Authorizer, event: bytes) -> Verdict:
        request = exchange.request
        source_arn = route_arn(request.region, self._account, request.call.api_id, "authorizers", authorizer.id)
        call = FunctionCall(
            arn=authorizer.function,
            payload=event,
            source_arn=source_arn,
            region=request.region,
            role_arn=authorizer.role_arn,
            trace_id=request.trace_id,
        )
        try:
            async with asyncio.timeout(TIMEOUT_S):
                answer = await self._functions.invoke(call)
            if answer.failed:
                raise internal_error("the authorizer's function failed")
            return self._read(answer.payload, authorizer, request.region, request.http.source_ip)
        except (ServiceError, TimeoutError, ValueError, RecursionError) as error:
            raise internal_error(f"the authorizer gave no answer: {error}") from error

    def _read(self, payload: bytes, authorizer: Authorizer, region: str, source_ip: str) -> Verdict:
        """Raises ValueError for what is no answer."""
        answer = json.loads(payload)
        if not isinstance(answer, dict):
            raise ValueError("no object")
        context = answer.get("context") or {}
        if not isinstance(context, dict):
            raise ValueError("its context is no object")
        if authorizer.simple:
            allowed = answer.get("isAuthorized")
            if not isinstance(allowed, bool):
                raise ValueError("isAuthorized is no boolean")
            return Verdict(allows=lambda _arn: allowed, context=context)
        principal = answer.get("principalId")
        if not isinstance(principal, str):
            raise ValueError("no principalId")
        allows = self._permissions.policy(answer.get("policyDocument"), region=region, source_ip=source_ip)
        return Verdict(allows=allows, context=context, principal=principal)
