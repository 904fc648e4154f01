"""What policies would decide: the same evaluation as for requests, told in detail. Pure.

Source: "SimulatePrincipalPolicy" in the IAM API reference.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from stoker.identity.callers import Caller
from stoker.identity.directory import Directory
from stoker.identity.documents import Document, DocumentKind
from stoker.identity.entities import Group, Role, User
from stoker.identity.errors import InvalidInput, NoSuchEntity
from stoker.identity.evaluation import AccessRequest, evaluate
from stoker.identity.principal_policies import PrincipalPolicies
from stoker.identity.templates import Context

USER_MANAGED, AWS_MANAGED, INLINE, RESOURCE = "user-managed", "aws-managed", "none", "resource"


@dataclass(frozen=True, kw_only=True)
class NamedDocument:
    """A policy with what the simulation calls it. `kind` is a SourcePolicyType."""

    name: str
    kind: str
    document: Document


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """The policies, and for whom. `boundary` bounds them; `resource` is the policy of what they are about."""

    caller: Caller
    policies: Sequence[NamedDocument]
    boundary: Document | None = None
    resource: NamedDocument | None = None
    context: Context = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`decision` is `allowed`, `explicitDeny` or `implicitDeny`; `matched` are the policies that have a say in it."""

    action: str
    resource: str
    decision: str
    matched: Sequence[NamedDocument]
    missing: Sequence[str]
    within_boundary: bool | None


def outcomes(simulation: Simulation, actions: Iterable[str], resources: Sequence[str]) -> list[Outcome]:
    """Of each action on each resource, in that order."""
    return [_outcome(simulation, action, resource) for action in actions for resource in resources]


def policies_of(directory: Directory, arn: str) -> tuple[Caller, list[NamedDocument], Document | None]:
    """A user, group or role by its ARN: as a caller, its policies, and its boundary. Raises NoSuchEntity."""
    parts = arn.split(":", 5)
    kind, _, path = parts[5].partition("/") if len(parts) == 6 else ("", "", "")
    name = path.rpartition("/")[2]
    holder: User | Group | Role | None = None
    if kind == "user":
        holder = directory.find(User, name)
    elif kind == "group":
        holder = directory.find(Group, name)
    elif kind == "role":
        holder = directory.find(Role, name)
    else:
        raise InvalidInput("Invalid Entity Arn: it has to be that of a user, a group or a role.")
    if holder is None or holder.arn != arn:
        raise NoSuchEntity(f"{kind.capitalize()} {name} cannot be found.")
    groups = directory.groups_of(holder) if isinstance(holder, User) else []
    named = [each for one in (holder, *groups) for each in _named(directory, one)]
    boundary_arn = None if isinstance(holder, Group) else holder.boundary
    boundary = None
    if boundary_arn is not None:
        boundary = directory.parse(directory.policy(boundary_arn).document, DocumentKind.IDENTITY)
    caller = Caller(
        kind="AssumedRole" if isinstance(holder, Role) else "User",
        account=holder.account,
        arn=arn,
        issuer_arn=arn,
        user_id=holder.id,
        tags={} if isinstance(holder, Group) else holder.tags,
    )
    return caller, named, boundary


def context_of(caller: Caller, given: Mapping[str, str | Sequence[str]]) -> Context:
    """What was given, over what is known of the caller; keys in lower case."""
    known: dict[str, str | Sequence[str]] = {}
    if caller.issuer_arn:
        known = {
            "aws:principalarn": caller.issuer_arn,
            "aws:principalaccount": caller.account,
            "aws:principaltype": caller.kind,
            "aws:userid": caller.user_id,
            **({"aws:username": caller.name} if caller.name else {}),
            **{f"aws:principaltag/{key.lower()}": value for key, value in caller.tags.items()},
        }
    return {**known, **{key.lower(): value for key, value in given.items()}}


def _named(directory: Directory, holder: User | Group | Role) -> list[NamedDocument]:
    parse = directory.parse
    inline = [
        NamedDocument(
            name=f"{holder.kind}_{holder.name}_{name}", kind=holder.kind, document=parse(text, DocumentKind.IDENTITY)
        )
        for name, text in holder.inline.items()
    ]
    attached = [directory.policy(arn) for arn in holder.attached]
    return inline + [
        NamedDocument(
            name=policy.name,
            kind=AWS_MANAGED if policy.arn in directory.aws else USER_MANAGED,
            document=parse(policy.document, DocumentKind.IDENTITY),
        )
        for policy in attached
    ]


def _outcome(simulation: Simulation, action: str, resource: str) -> Outcome:
    request = AccessRequest(caller=simulation.caller, action=action, resource=resource, context=simulation.context)
    policies = PrincipalPolicies(
        identity=tuple(each.document for each in simulation.policies), boundary=simulation.boundary
    )
    of_resource = simulation.resource
    decision = evaluate(request, policies, of_resource.document if of_resource is not None else None)
    everything = [*simulation.policies, *([of_resource] if of_resource is not None else [])]
    asked = {key for each in everything for key in each.document.asks_for}
    if simulation.boundary is not None:
        asked |= simulation.boundary.asks_for
    denied = "explicitDeny" if decision.explicit else "implicitDeny"
    return Outcome(
        action=action,
        resource=resource,
        decision="allowed" if decision.allowed else denied,
        matched=[each for each in everything if _has_a_say(each.document, request, explicit=decision.explicit)],
        missing=sorted(asked - simulation.context.keys()),
        within_boundary=None if simulation.boundary is None else _allows(simulation.boundary, request),
    )


def _has_a_say(document: Document, request: AccessRequest, *, explicit: bool) -> bool:
    """Where something denies, only what denies is told; else what allows."""
    return any(
        statement.is_about(request.action.lower())
        and statement.applies(request.resource, request.context)
        and statement.allows is not explicit
        for statement in document.statements
    )


def _allows(document: Document, request: AccessRequest) -> bool:
    return evaluate(request, PrincipalPolicies(identity=(document,))).allowed
