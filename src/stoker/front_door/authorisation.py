"""Who may do what: every call is held against its service's access table and the caller's policies, in one place."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from stoker.front_door.denials import denial
from stoker.identity.authority import Authority
from stoker.identity.callers import Caller
from stoker.identity.circumstances import GLOBAL_KEYS, Circumstances
from stoker.identity.documents import Document
from stoker.identity.evaluation import IDENTITY, AccessRequest, Decision
from stoker.identity.principal_policies import PrincipalPolicies
from stoker.model.access import Access, AccessTable, Where
from stoker.model.principal import Principal
from stoker.wire.message import Call

# The account gets back into what a policy keeps everybody out of, as AWS lets its root user.
_NEVER_LOCKED_OUT = frozenset(
    {
        "events:RemovePermission",
        "s3:DeleteBucketPolicy",
        "s3:GetBucketPolicy",
        "s3:PutBucketPolicy",
        "sns:RemovePermission",
        "sns:SetTopicAttributes",
        "sqs:RemovePermission",
        "sqs:SetQueueAttributes",
    }
)
# What is allowed whatever the further circumstances: each takes some 200 bytes.
_OPEN_DOORS = 16_384

# A caller's ARN, the region and the address that a call comes from.
_From: TypeAlias = tuple[str, str, str, bool]
# What was allowed to whom: action, resource, and where from if that counts.
_Door: TypeAlias = tuple[PrincipalPolicies, str, str, _From | None]


class Authoriser:
    """Decides on calls. `services` are asked for `access`, for `resource_policy` where their resources have such, and
    for `resource_tags` where they can say.

    A service or an operation without a row is the account's alone.
    """

    def __init__(self, authority: Authority, services: Sequence[Any]) -> None:
        self._authority = authority
        self._tables: Mapping[str, AccessTable] = {each.name: getattr(each, "access", {}) for each in services}
        for each in services:
            authority.know(
                each.name, policy=getattr(each, "resource_policy", None), tags=getattr(each, "resource_tags", None)
            )
        # Services whose resources' policies cannot keep anybody out.
        self._never_deny = {
            each.name
            for each in services
            if not hasattr(each, "resource_policy") or not getattr(each, "resource_policies_deny", True)
        }
        self._where = lru_cache(maxsize=256)(
            lambda region, account, caller: Where(region=region, account=account, caller=caller)
        )
        self._open_doors: set[_Door] = set()

    def __repr__(self) -> str:
        return f"<Authoriser {self._authority!r}>"

    def is_open(self, call: Call) -> bool:
        """Whether a call may be made, as far as that is known at once; False: `check` has to tell."""
        if self._asks_nothing_of(call):
            return True
        access = self._tables.get(call.service, {}).get(call.operation)
        if access is None or access.also or call.service not in self._never_deny:
            return False
        policies = self._authority.policies_of(call.principal)
        where_from = _from(call, policies)
        resources = access.resources(call.params, self._where_of(call)) or ("*",)
        return all((policies, access.action, each, where_from) in self._open_doors for each in resources)

    def _asks_nothing_of(self, call: Call) -> bool:
        """Whether its caller may make such a call whatever is written."""
        principal = call.principal
        if self._authority.exempts(principal):
            return True
        return call.service in self._never_deny and _is_root(principal)

    async def check(self, call: Call) -> None:
        """Raises AccessDeniedException for a call that its principal may not make."""
        if self._asks_nothing_of(call):
            return
        principal, never_denies = call.principal, call.service in self._never_deny
        access = self._row(call)
        if access is None:
            return
        policies = self._authority.policies_of(principal)
        where = self._where_of(call)
        # A call that names nothing is about everything.
        for resource in access.resources(call.params, where) or ("*",):
            # A warm invocation ends here.
            if not never_denies or (policies, access.action, resource, _from(call, policies)) not in self._open_doors:
                await self._check(call, policies, access, resource)
        for row in access.also:
            # What else has to be allowed may be one of the service's own resources, whose policies count as well.
            check = self._check if _service_in(row) == _service_in(access) else self._check_elsewhere
            for resource in row.resources(call.params, where):
                await check(call, policies, row, resource)

    def _row(self, call: Call) -> Access | None:
        """The row of a call; None if it may be made by whoever has signed."""
        table = self._tables.get(call.service, {})
        if call.operation in table:
            row = table[call.operation]
            return row if row is None else row.instead(call.params) or row
        action = f"{call.service}:{call.operation}"
        if call.principal.is_operator:
            return Access(action=action)
        request = AccessRequest(caller=Caller.of(call.principal), action=action, resource="*", context={})
        raise denial(call.service, Decision(allowed=False, policy=IDENTITY), request)

    async def _check(self, call: Call, policies: PrincipalPolicies, row: Access, resource: str) -> None:
        """A resource of the called service, which may have a policy: asked first, unless it can only allow."""
        authority, service = self._authority, call.service
        if call.principal.is_operator and row.action in _NEVER_LOCKED_OUT:
            return
        never_denies = service in self._never_deny
        document = None if never_denies else await authority.policy_of(service, resource)
        if document is None and _is_root(call.principal):
            return
        facts = await self._circumstances(call, policies, document, row, resource)
        decision, request = authority.decide(policies, document, row.action, resource, facts)
        if decision.allowed:
            if never_denies and policies.is_steady:
                self._remember((policies, row.action, resource, _from(call, policies)))
            return
        if never_denies and (document := await authority.policy_of(service, resource)) is not None:
            facts = await self._circumstances(call, policies, document, row, resource)
            decision, request = authority.decide(policies, document, row.action, resource, facts)
        if not decision.allowed:
            raise denial(service, decision, request)

    async def _check_elsewhere(self, call: Call, policies: PrincipalPolicies, row: Access, resource: str) -> None:
        """A role, say: about what other services have, only the caller's own policies are asked."""
        facts = self._authority.circumstances(
            Caller.of(call.principal, policies.arn, policies.tags),
            call.region,
            source_ip=call.source_ip,
            tls=call.is_secure,
            own=row.context(call.params),
        )
        decision, request = self._authority.decide(policies, None, row.action, resource, facts)
        if not decision.allowed:
            raise denial(call.service, decision, request)

    async def _circumstances(
        self, call: Call, policies: PrincipalPolicies, document: Document | None, row: Access, resource: str
    ) -> Circumstances:
        """What policies can ask about a call. Tags are looked for only where one does."""
        asks_for = policies.asks_for if document is None else policies.asks_for | document.asks_for
        caller = Caller.of(call.principal, policies.arn, policies.tags)
        if asks_for <= GLOBAL_KEYS:
            return self._authority.circumstances(caller, call.region, source_ip=call.source_ip, tls=call.is_secure)
        return self._authority.circumstances(
            caller,
            call.region,
            source_ip=call.source_ip,
            tls=call.is_secure,
            own={
                **_request_tags(call.params),
                **row.context(call.params),
                **row.local_context(call.params, self._where_of(call)),
            },
            resource_tags=await self._authority.tags_of(call.service, resource),
        )

    def _where_of(self, call: Call) -> Where:
        where: Where = self._where(call.region, call.account, call.principal.arn if call.service == "iam" else "")
        return where

    def _remember(self, door: _Door) -> None:
        if len(self._open_doors) >= _OPEN_DOORS:
            self._open_doors.clear()
        self._open_doors.add(door)


def _is_root(principal: Principal) -> bool:
    """The account's own key, which only a resource's policy can keep out."""
    return principal.session is None and principal.is_operator


def _from(call: Call, policies: PrincipalPolicies) -> _From | None:
    """All that steady policies ask of a call beyond what is done; None where they ask nothing."""
    return (call.principal.arn, call.region, call.source_ip, call.is_secure) if policies.asks_for else None


def _service_in(row: Access) -> str:
    return row.action.partition(":")[0]


def _request_tags(params: Mapping[str, Any]) -> dict[str, str | Sequence[str]]:
    """The tags that a call brings along, and the keys of those that it takes away."""
    pairs = list(_pairs(params.get("Tags", params.get("tags"))))
    taken = params.get("TagKeys", params.get("tagKeys")) or ()
    keys = [*(key for key, _ in pairs), *map(str, taken)]
    if not keys:
        return {}
    named: dict[str, str | Sequence[str]] = {f"aws:requesttag/{key.lower()}": value for key, value in pairs}
    return {**named, "aws:tagkeys": keys}


def _pairs(tags: Any) -> Iterator[tuple[str, str]]:
    """As the APIs write them: a map, or a list of keys and values."""
    if isinstance(tags, Mapping):
        yield from ((str(key), str(value)) for key, value in tags.items())
    elif isinstance(tags, list):
        for tag in tags:
            if isinstance(tag, Mapping) and (key := tag.get("Key", tag.get("key"))) is not None:
                yield str(key), str(tag.get("Value", tag.get("value", "")))
