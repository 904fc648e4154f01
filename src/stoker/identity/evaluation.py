"""Whether a request is allowed: explicit deny, then allow, else deny. Pure.

Source: "Policy evaluation logic" and "Evaluating identity-based policies with resource-based policies" in the IAM User
Guide, for one account.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import Struct

from stoker.identity.callers import Caller, Naming
from stoker.identity.documents import Document
from stoker.identity.principal_policies import PrincipalPolicies
from stoker.identity.statements import Effect
from stoker.identity.templates import Context

IDENTITY, RESOURCE, BOUNDARY, SESSION = (
    "identity-based policy",
    "resource-based policy",
    "permissions boundary",
    "session policy",
)
_ARTICLES = {IDENTITY: "an", RESOURCE: "a", BOUNDARY: "a", SESSION: "a"}
NOBODYS = PrincipalPolicies()


class AccessRequest(Struct, frozen=True, kw_only=True):
    """Who wants to do what to what. `context` has the condition keys in lower case."""

    caller: Caller
    action: str
    resource: str
    context: Context


@dataclass(frozen=True, kw_only=True)
class Decision:
    """`policy` is the kind of policy that denies, or that would have had to allow and did not."""

    allowed: bool
    explicit: bool = False
    policy: str = ""

    def refusal(self, request: AccessRequest, *, action: str = "", resource: str = "") -> str:
        """AccessDenied's message in AWS's words; some services write actions and resources their own way."""
        action, resource = action or request.action, resource or request.resource
        why = (
            f"with an explicit deny in {_ARTICLES[self.policy]} {self.policy}"
            if self.explicit
            else f"because no {self.policy} allows the {action} action"
        )
        return f"User: {request.caller.arn} is not authorized to perform: {action} on resource: {resource} {why}"


ALLOWED = Decision(allowed=True)


def evaluate(request: AccessRequest, policies: PrincipalPolicies, resource: Document | None = None) -> Decision:
    """`policies` are the caller's, `resource` is the policy of what it is done to."""
    if not policies.exists:
        return Decision(allowed=False, policy=IDENTITY)
    kinds: list[tuple[str, Sequence[Document]]] = [
        (IDENTITY, policies.identity),
        (BOUNDARY, _some(policies.boundary)),
        (SESSION, policies.session),
    ]
    effects = {kind: _effect(documents, request) for kind, documents in kinds}
    named, denied = _of_resource(resource, request)
    for kind, effect in [*effects.items(), (RESOURCE, Effect.DENY if denied else None)]:
        if effect is Effect.DENY:
            return Decision(allowed=False, explicit=True, policy=kind)
    if request.caller.kind in ("Service", "Anonymous"):
        return ALLOWED if named > Naming.ACCOUNT else Decision(allowed=False, policy=RESOURCE)
    # Who is named by its own ARN needs nobody else's leave: neither a boundary's nor a session policy's.
    if named is Naming.EXACT:
        return ALLOWED
    if effects[IDENTITY] is None and named is not Naming.BROAD and request.caller.kind != "Account":
        return Decision(allowed=False, policy=IDENTITY)
    for kind, documents in kinds[1:]:
        if documents and effects[kind] is None:
            return Decision(allowed=False, policy=kind)
    return ALLOWED


def _some(document: Document | None) -> Sequence[Document]:
    return () if document is None else (document,)


def _effect(documents: Sequence[Document], request: AccessRequest) -> Effect | None:
    """What they say together: a deny wins."""
    action, found = request.action.lower(), None
    for document in documents:
        for statement in document.statements:
            if statement.is_about(action) and statement.applies(request.resource, request.context):
                if not statement.allows:
                    return Effect.DENY
                found = Effect.ALLOW
    return found


def _of_resource(document: Document | None, request: AccessRequest) -> tuple[Naming, bool]:
    """How closely a resource's policy allows for the caller, and whether it denies."""
    action, closest = request.action.lower(), Naming.NOT
    for statement in document.statements if document is not None else ():
        named = statement.names(request.caller)
        if named is Naming.NOT or not statement.is_about(action):
            continue
        if not statement.applies(request.resource, request.context):
            continue
        if not statement.allows:
            return Naming.NOT, True
        closest = max(closest, named)
    return closest, False
