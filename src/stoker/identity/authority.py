"""Decides, and remembers what it decided: the one place that brings policies of callers and of resources together."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from typing import Any, Protocol

from stoker.identity.callers import Caller
from stoker.identity.circumstances import Circumstances
from stoker.identity.documents import Document, DocumentKind
from stoker.identity.evaluation import AccessRequest, Decision, evaluate
from stoker.identity.principal_policies import PrincipalPolicies
from stoker.identity.unknown_keys import unknown_keys
from stoker.model.clock import Clock
from stoker.model.errors import NotBuiltError
from stoker.model.principal import Principal

# Decisions that are remembered: a few hundred bytes each.
_REMEMBERED = 16_384

ResourcePolicy = Callable[[str], str | Awaitable[str | None] | None]
ResourceTags = Callable[[str], Mapping[str, str] | Awaitable[Mapping[str, str]]]


class Policies(Protocol):
    """What this needs of `identity.directory.Directory`."""

    def policies_of(self, principal: Principal) -> PrincipalPolicies: ...

    def parse(self, text: str, kind: DocumentKind) -> Document: ...


class Authority:
    """Nothing is forgotten late: a changed policy is a new value, and decisions are remembered by the values that made
    them. `tls`: clients connect with nothing else. Without `enforce` users may do everything.
    """

    def __init__(
        self, policies: Policies, *, account: str, clock: Clock, enforce: bool = True, tls: bool = False
    ) -> None:
        self.policies_of = policies.policies_of
        self._parse = policies.parse
        self._account = account
        self._clock = clock
        self._enforce = enforce
        self._tls = tls
        self._resource_policies: dict[str, ResourcePolicy] = {}
        self._resource_tags: dict[str, ResourceTags] = {}
        self._remembered: dict[tuple[object, ...], Decision] = {}
        self._unknown_keys = lru_cache(maxsize=_REMEMBERED)(unknown_keys)

    def __repr__(self) -> str:
        return f"<Authority {'on' if self._enforce else 'off'}, {len(self._remembered)} decisions remembered>"

    @property
    def enforces(self) -> bool:
        return self._enforce

    def exempts(self, principal: Principal) -> bool:
        """Whether nothing is asked of a caller. Role sessions are held to their policies even in development: function
        code stays hostile.
        """
        return not self._enforce and not principal.is_session

    def know(self, service: str, *, policy: ResourcePolicy | None = None, tags: ResourceTags | None = None) -> None:
        """Whom to ask about a service's resources, by their ARN."""
        if policy is not None:
            self._resource_policies[service] = policy
        if tags is not None:
            self._resource_tags[service] = tags

    async def policy_of(self, service: str, resource: str) -> Document | None:
        """The policy of a resource; None where it has none."""
        ask = self._resource_policies.get(service)
        if ask is None:
            return None
        text = ask(resource)
        if inspect.isawaitable(text):
            text = await text
        return None if text is None else self.parse(text)

    def parse(self, text: str) -> Document:
        """A resource's policy; the same value for the same text, as long as it is remembered."""
        return self._parse(text, DocumentKind.RESOURCE)

    async def tags_of(self, service: str, resource: str) -> Mapping[str, str]:
        """The tags of a resource, as far as its service can say; none for what is no ARN."""
        ask = self._resource_tags.get(service)
        if ask is None or resource.count(":") < 5:
            return {}
        tags = ask(resource)
        return await tags if inspect.isawaitable(tags) else tags

    def circumstances(self, caller: Caller, region: str, **further: Any) -> Circumstances:
        """Those of a request that is made now; `further` are members of Circumstances."""
        now, tls = self._clock.time(), self._tls or further.pop("tls", False)
        return Circumstances(caller=caller, region=region, now=now, account=self._account, tls=tls, **further)

    def decide(
        self,
        policies: PrincipalPolicies,
        document: Document | None,
        action: str,
        resource: str,
        circumstances: Circumstances,
    ) -> tuple[Decision, AccessRequest]:
        """Whether the caller may do `action` to the resource, whose policy is `document`; and what was asked.

        Raises NotBuiltError where a policy asks for what is not known here: nothing is guessed.
        """
        asks_for = policies.asks_for if document is None else policies.asks_for | document.asks_for
        context = circumstances.context(asks_for) if asks_for else {}
        for key in self._unknown_keys(action, asks_for) if asks_for else ():
            if key not in context:
                raise NotBuiltError(f"A policy asks for the condition key {key}, which is not there yet in Stoker.")
        caller = circumstances.caller
        facts = frozenset((key, value if isinstance(value, str) else tuple(value)) for key, value in context.items())
        remembered = (policies, document, caller.arn, action, resource, facts)
        decision = self._remembered.get(remembered)
        request = AccessRequest(caller=caller, action=action, resource=resource, context=context)
        if decision is None:
            decision = evaluate(request, policies, document)
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()
            self._remembered[remembered] = decision
        return decision, request
