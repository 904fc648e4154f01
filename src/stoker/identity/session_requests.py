"""AssumeRole: who may, for how long, and what the session may do at most. Pure but for looking the role up.

Source: "AssumeRole" in the STS API reference; "Role terms and concepts" and "Session policies" in the IAM User Guide.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from stoker.identity import quotas, trust
from stoker.identity.callers import Caller
from stoker.identity.circumstances import Circumstances
from stoker.identity.directory import Directory
from stoker.identity.documents import DocumentKind
from stoker.identity.entities import Role
from stoker.identity.errors import InvalidInput, ValidationError
from stoker.identity.templates import Context
from stoker.model.errors import AccessDeniedException, ServiceError
from stoker.model.principal import Principal
from stoker.wire.session_tokens import Grant

MAX_POLICY_ARNS = 10
MAX_CHAINED_S = 3600
# What a session's policies and tags may take together, packed, is not published; this much of JSON is always taken.
_PACKED_CHARACTERS = 4096


class PackedPolicyTooLarge(ServiceError):  # noqa: N818 - called what AWS calls it.
    """The session's policies and tags are larger together than a session may carry."""

    code = "PackedPolicyTooLarge"
    status = 400


@dataclass(frozen=True, kw_only=True)
class SessionRequest:
    """What AssumeRole is asked, and by whom."""

    caller: Principal
    role_arn: str
    name: str
    duration_s: int | None = None
    policy: str | None = None
    policy_arns: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    transitive: tuple[str, ...] = ()
    external_id: str | None = None
    source_identity: str | None = None
    source_ip: str = ""
    region: str = ""
    tls: bool = False


def assumed_role(directory: Directory, request: SessionRequest, now: float) -> Role:
    """The role, if the caller may assume it like this. Raises what AWS answers otherwise.

    A role that is not there is refused like one that may not be assumed: nobody learns which there are.
    """
    role = directory.role(request.role_arn)
    refused = [
        action for action in actions(request) if role is None or not _allowed(directory, role, action, request, now)
    ]
    if role is None or refused:
        raise AccessDeniedException(
            f"User: {request.caller.arn} is not authorized to perform: {refused[0]} on resource: {request.role_arn}"
        )
    check(directory, role, request)
    return role


def check(directory: Directory, role: Role, request: SessionRequest) -> None:
    """Raises for a session that is longer, or of more, than the role and the caller's own session let it be."""
    _check_duration(role, request)
    _check_inherited(request)
    _check_policies(directory, request)


def grant(role: Role, request: SessionRequest) -> Grant:
    """What the session's token says: what was asked for, and what the caller's own session hands on."""
    handed_on = _handed_on(request)
    caller = request.caller.session
    return Grant(
        issuer_arn=role.arn,
        issuer_id=role.id,
        name=request.name,
        policies=(request.policy,) if request.policy is not None else (),
        policy_arns=request.policy_arns,
        tags={**handed_on, **request.tags},
        transitive=(*handed_on, *request.transitive),
        source_identity=request.source_identity or (caller.source_identity if caller is not None else None),
    )


def packed_percent(request: SessionRequest) -> int:
    """How much of what a session may carry its policies and tags take; 0 where it has none."""
    carried = [request.policy or "", *request.policy_arns, *request.tags, *request.tags.values()]
    return -(-sum(map(len, carried)) * 100 // _PACKED_CHARACTERS)


def actions(request: SessionRequest) -> list[str]:
    """Everything that the trust policy has to allow."""
    actions = ["sts:AssumeRole"]
    if request.tags:
        actions.append("sts:TagSession")
    if request.source_identity is not None:
        actions.append("sts:SetSourceIdentity")
    return actions


def _allowed(directory: Directory, role: Role, action: str, request: SessionRequest, now: float) -> bool:
    policies = directory.policies_of(request.caller)
    caller = Caller.of(request.caller, issuer_arn=policies.arn, tags=policies.tags)
    circumstances = Circumstances(
        caller=caller,
        now=now,
        region=request.region,
        account=directory.account,
        source_ip=request.source_ip,
        tls=request.tls,
        own=own_keys(request),
        resource_tags=role.tags,
    )
    asked = policies.asks_for | directory.parse(role.trust, DocumentKind.TRUST).asks_for
    context = circumstances.context(asked)
    return trust.allows(role, action, caller=caller, policies=policies, parse=directory.parse, context=context)


def own_keys(request: SessionRequest) -> Context:
    """The condition keys that only such a request has."""
    given: dict[str, str | list[str]] = {
        "sts:rolesessionname": request.name,
        **{f"aws:requesttag/{key}": value for key, value in request.tags.items()},
    }
    if request.external_id is not None:
        given["sts:externalid"] = request.external_id
    if request.source_identity is not None:
        given["sts:sourceidentity"] = request.source_identity
    if request.tags:
        given["aws:tagkeys"] = list(request.tags)
    if request.transitive:
        given["sts:transitivetagkeys"] = list(request.transitive)
    return given


def _check_duration(role: Role, request: SessionRequest) -> None:
    if request.duration_s is None:
        return
    session = request.caller.session
    if session is not None and request.caller.arn != session.issuer_arn and request.duration_s > MAX_CHAINED_S:
        raise ValidationError(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
        )
    if request.duration_s > role.max_session_s:
        raise ValidationError("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")


def _handed_on(request: SessionRequest) -> Mapping[str, str]:
    """The transitive tags of the session that calls."""
    session = request.caller.session
    if session is None:
        return {}
    return {key: value for key, value in session.tags.items() if key in session.transitive}


def _check_inherited(request: SessionRequest) -> None:
    """What a chain of roles hands on stays as it was at its beginning."""
    keys = {key.lower() for key in _handed_on(request)}
    if changed := [key for key in request.tags if key.lower() in keys]:
        raise ValidationError(f"The tag {changed[0]} is transitive and cannot be changed in a chain of roles.")
    if unknown := [key for key in request.transitive if key not in request.tags]:
        raise ValidationError(f"The transitive tag key {unknown[0]} is none of the session's tags.")
    session = request.caller.session
    kept = session.source_identity if session is not None else None
    if kept is not None and request.source_identity not in (None, kept):
        raise AccessDeniedException("The source identity cannot be changed in a chain of roles.")


def _check_policies(directory: Directory, request: SessionRequest) -> None:
    if request.policy is not None:
        directory.parse(request.policy, DocumentKind.IDENTITY)
        if len(request.policy) > quotas.SESSION_POLICY_SIZE:
            raise ValidationError(
                f"1 validation error detected: Value at 'policy' failed to satisfy constraint: "
                f"Member must have length less than or equal to {quotas.SESSION_POLICY_SIZE}"
            )
    if len(request.policy_arns) > MAX_POLICY_ARNS:
        raise InvalidInput(f"A session takes {MAX_POLICY_ARNS} managed policies at most.")
    for arn in request.policy_arns:
        directory.parse(directory.policy(arn).document, DocumentKind.IDENTITY)
    if packed_percent(request) > 100:
        raise PackedPolicyTooLarge()
