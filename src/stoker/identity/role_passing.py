"""Roles that are handed over in a document, where no access table sees them: may the caller pass them?

Source: "Grant a user permissions to pass a role to an AWS service" in the IAM User Guide.
"""

from collections.abc import Iterable

from stoker.identity.authority import Authority
from stoker.identity.callers import Caller
from stoker.model.errors import AccessDeniedException
from stoker.wire.message import Call

_PASS_ROLE = "iam:PassRole"


class RolePassing:
    """Asks for the roles that one service (`apigateway.amazonaws.com`) is given."""

    def __init__(self, authority: Authority, service: str) -> None:
        self._authority = authority
        self._service = service

    def __repr__(self) -> str:
        return f"<RolePassing to {self._service}>"

    def check(self, call: Call, roles: Iterable[str]) -> None:
        """Raises AccessDeniedException for the first role that the caller may not pass."""
        authority, principal = self._authority, call.principal
        if authority.exempts(principal):
            return
        policies = authority.policies_of(principal)
        facts = authority.circumstances(
            Caller.of(principal, policies.arn, policies.tags),
            call.region,
            source_ip=call.source_ip,
            tls=call.is_secure,
            own={"iam:PassedToService": self._service},
        )
        for role in sorted(set(roles)):
            decision, request = authority.decide(policies, None, _PASS_ROLE, role, facts)
            if not decision.allowed:
                raise AccessDeniedException(decision.refusal(request))
