"""Who may do what: every call is held against its service's access table and the caller's policies, in one place."""

import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

from stoker.identity.callers import Caller
from stoker.identity.documents import Document, DocumentKind
from stoker.identity.evaluation import IDENTITY, AccessRequest, Decision, evaluate
from stoker.identity.principal_policies import PrincipalPolicies
from stoker.model.access import Access, AccessTable, Context, Where
from stoker.model.clock import Clock
from stoker.model.errors import AccessDeniedException
from stoker.model.principal import Principal
from stoker.wire.message import Call

# Decisions that are remembered; each costs some 30 us to make and 2 us to find again.
_REMEMBERED = 16384
ResourcePolicy = Callable[[str], str | Awaitable[str | None] | None]


class Policies(Protocol):
    """What this needs of `identity.directory.Directory`."""

    def policies_of(self, principal: Principal) -> PrincipalPolicies: ...

    def parse(self, text: str, kind: DocumentKind) -> Document: ...


def is_session(principal: Principal) -> bool:
    """Whether the caller is a role's session."""
    return principal.arn.split(":")[2] == "sts"


class Authoriser:
    """Decides on calls. `services` are asked for `access`, and for `resource_policy` where they have such.

    A service or an operation without a row is the account's alone. Without `enforce`, role sessions may still do no
    more than say who they are: function code stays hostile.
    """

    def __init__(
        self, policies: Policies, services: Sequence[Any], *, clock: Clock, enforce: bool = True, tls: bool = False
    ) -> None:
        self._policies = policies
        self._tables: Mapping[str, AccessTable] = {each.name: getattr(each, "access", {}) for each in services}
        self._resource_policies: Mapping[str, ResourcePolicy] = {
            each.name: each.resource_policy for each in services if hasattr(each, "resource_policy")
        }
        self._only_allow = {each.name for each in services if not getattr(each, "resource_policies_deny", True)}
        # Services whose resources' policies cannot keep the account out of its own.
        self._free_of_denials = {each.name for each in services} - {*self._resource_policies} | self._only_allow
        self._clock = clock
        self._enforce = enforce
        self._tls = tls
        self._remembered: dict[tuple[object, ...], Decision] = {}

    def __repr__(self) -> str:
        return f"<Authoriser {'on' if self._enforce else 'off'}, {len(self._remembered)} decisions remembered>"

    async def check(self, call: Call) -> None:
        """Raises AccessDeniedException for a call that its principal may not make."""
        principal = call.principal
        if not self._enforce and not is_session(principal):
            return
        if principal.is_operator and principal.session is None and call.service in self._free_of_denials:
            return
        access = self._row(call)
        for row in (access, *access.also) if access is not None else ():
            own = {**_request_tags(call.params), **row.context(call.params)}
            for resource in row.resources(call.params, Where(region=call.region, account=call.account)):
                await self._check_resource(call, row.action, resource, own, is_own=row is access)

    def _row(self, call: Call) -> Access | None:
        table = self._tables.get(call.service, {})
        if call.operation in table:
            return table[call.operation]
        action = f"{call.service}:{call.operation}"
        if not call.principal.is_operator:
            raise AccessDeniedException(
                Decision(allowed=False, policy=IDENTITY).refusal(
                    AccessRequest(caller=Caller.of(call.principal), action=action, resource="*", context={})
                )
            )
        return Access(action=action)

    async def _check_resource(self, call: Call, action: str, resource: str, context: Context, *, is_own: bool) -> None:
        """`is_own` tells a resource of the called service, which may have a policy."""
        decide = partial(
            self.decide,
            call.principal,
            action,
            resource,
            context=context,
            region=call.region,
            source_ip=call.source_ip,
        )
        policy_of = self._resource_policies.get(call.service) if is_own else None
        if policy_of is None or call.service in self._only_allow:
            try:
                return decide()
            except AccessDeniedException:
                if policy_of is None:
                    raise
        text = policy_of(resource)
        if inspect.isawaitable(text):
            text = await text
        return decide(resource_policy=text)

    def allows(self, principal: Principal, action: str, resource: str, **facts: Any) -> bool:
        """Whether the principal may do `action` to the resource; see `decide`."""
        if not self._enforce and not is_session(principal):
            return True
        try:
            self.decide(principal, action, resource, **facts)
        except AccessDeniedException:
            return False
        return True

    def decide(
        self,
        principal: Principal,
        action: str,
        resource: str,
        *,
        context: Context,
        region: str,
        source_ip: str,
        resource_policy: str | None = None,
    ) -> None:
        """Raises AccessDeniedException unless the principal may do `action` to the resource."""
        policies = self._policies.policies_of(principal)
        document = None if resource_policy is None else self._policies.parse(resource_policy, DocumentKind.RESOURCE)
        if principal.is_operator and principal.session is None and document is None:
            return
        asks_for = _asks_for(policies, document)
        known = self._context(principal, policies, region=region, source_ip=source_ip) if asks_for else {}
        given = {**known, **{key.lower(): value for key, value in context.items()}} if asks_for else {}
        facts = {key: value for key, value in given.items() if key in asks_for}
        remembered = (policies, principal.arn, document, action, resource, _frozen(facts))
        decision = self._remembered.get(remembered)
        request = AccessRequest(
            caller=Caller.of(principal, policies.arn, policies.tags), action=action, resource=resource, context=facts
        )
        if decision is None:
            decision = evaluate(request, policies, document)
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()
            self._remembered[remembered] = decision
        if not decision.allowed:
            raise AccessDeniedException(decision.refusal(request))

    def _context(
        self, principal: Principal, policies: PrincipalPolicies, *, region: str, source_ip: str
    ) -> dict[str, str | Sequence[str]]:
        """The global condition keys. Source: "AWS global condition context keys" in the IAM User Guide."""
        caller = Caller.of(principal, policies.arn, policies.tags)
        now = self._clock.time()
        context: dict[str, str | Sequence[str]] = {
            "aws:currenttime": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "aws:epochtime": str(int(now)),
            "aws:principalaccount": principal.account,
            "aws:principalarn": caller.issuer_arn,
            "aws:principalisawsservice": "false",
            "aws:principaltype": caller.kind,
            "aws:requestedregion": region,
            "aws:resourceaccount": principal.account,
            "aws:securetransport": str(self._tls).lower(),
            "aws:sourceip": source_ip,
            "aws:userid": principal.user_id,
        }
        if caller.name:
            context["aws:username"] = caller.name
        for key, value in caller.tags.items():
            context[f"aws:principaltag/{key.lower()}"] = value
        return context


def _asks_for(policies: PrincipalPolicies, document: Document | None) -> frozenset[str]:
    documents = [*policies.identity, *policies.session]
    documents += [each for each in (policies.boundary, document) if each is not None]
    return frozenset[str]().union(*(each.asks_for for each in documents))


def _frozen(facts: Mapping[str, str | Sequence[str]]) -> tuple[object, ...]:
    return tuple(
        (key, value if isinstance(value, str) else tuple(value)) for key, value in sorted(facts.items(), key=_key)
    )


def _key(item: tuple[str, object]) -> str:
    return item[0]


def _request_tags(params: Mapping[str, Any]) -> dict[str, str | Sequence[str]]:
    """The tags that a call brings along, as the APIs write them: a map, or a list of keys and values."""
    tags = params.get("Tags", params.get("tags"))
    pairs = list(_pairs(tags)) if tags else []
    if not pairs:
        return {}
    named: dict[str, str | Sequence[str]] = {f"aws:requesttag/{key.lower()}": value for key, value in pairs}
    return {**named, "aws:tagkeys": [key for key, _ in pairs]}


def _pairs(tags: Any) -> Iterator[tuple[str, str]]:
    if isinstance(tags, Mapping):
        yield from ((str(key), str(value)) for key, value in tags.items())
    elif isinstance(tags, list):
        for tag in tags:
            if isinstance(tag, Mapping) and "Key" in tag:
                yield str(tag["Key"]), str(tag.get("Value", ""))
