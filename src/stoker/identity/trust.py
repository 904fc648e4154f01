"""Who may assume a role: its trust policy, and the caller's own policies where that leaves it to them. Pure.

Source: "How IAM evaluates trust policies" and "Evaluating identity-based policies with resource-based policies" in the
IAM User Guide: a role's trust policy always has to allow, unlike other resources' policies.
"""

from collections.abc import Callable

from stoker.identity.callers import Caller, Naming
from stoker.identity.documents import Document, DocumentKind
from stoker.identity.entities import Role
from stoker.identity.evaluation import AccessRequest, evaluate
from stoker.identity.principal_policies import PrincipalPolicies
from stoker.identity.templates import Context

Parse = Callable[[str, DocumentKind], Document]

ASSUME_ROLE = "sts:AssumeRole"


def allows(
    role: Role, action: str, *, caller: Caller, policies: PrincipalPolicies, parse: Parse, context: Context
) -> bool:
    """Whether somebody with these policies may do `action` (sts:AssumeRole, …) with a role.

    `context` has the condition keys in lower case.
    """
    if naming(role, action, caller=caller, parse=parse, context=context) is Naming.NOT:
        return False
    request = AccessRequest(caller=caller, action=action, resource=role.arn, context=context)
    return evaluate(request, policies, parse(role.trust, DocumentKind.TRUST)).allowed


def naming(role: Role, action: str, *, caller: Caller, parse: Parse, context: Context) -> Naming:
    """How closely the trust policy lets a caller in; not at all if a statement denies it."""
    closest = Naming.NOT
    for statement in parse(role.trust, DocumentKind.TRUST).statements:
        if not statement.is_about(action.lower()):
            continue
        named = statement.names(caller)
        if named is Naming.NOT or not statement.applies(role.arn, context):
            continue
        if not statement.allows:
            return Naming.NOT
        closest = max(closest, named)
    return closest


def trusts_service(role: Role, service: str, *, parse: Parse, context: Context) -> bool:
    """Whether a service (`lambda.amazonaws.com`) may assume a role."""
    caller = Caller.of_service(service)
    return naming(role, ASSUME_ROLE, caller=caller, parse=parse, context=context) is not Naming.NOT
