"""Signatures and policies, as REST APIs ask for them."""

import json
from typing import Any

from stoker.apis.functions import SERVICE
from stoker.apis.request import ApiRequest
from stoker.apis.rest.access import ACTION, Decide, Verdict
from stoker.identity.authority import Authority
from stoker.identity.callers import ANONYMOUS, Caller
from stoker.identity.circumstances import Circumstances
from stoker.identity.directory import Directory
from stoker.identity.documents import DocumentKind, parse_document
from stoker.identity.errors import MalformedPolicyDocumentError
from stoker.identity.evaluation import NOBODYS, AccessRequest, Decision, evaluate
from stoker.identity.principal_policies import PrincipalPolicies
from stoker.identity.trust import trusts_service
from stoker.model.errors import AccessDeniedException
from stoker.model.principal import Principal
from stoker.wire.errors import InvalidSignatureException
from stoker.wire.sigv4 import Verifier

_SERVICE = "execute-api"


class RestAccess:
    """What `apis.rest.access.Access` says."""

    def __init__(self, *, authority: Authority, verifier: Verifier, directory: Directory, account: str) -> None:
        self._directory = directory
        self._authority = authority
        self._verifier = verifier
        # Whom an authorizer's policy is about has no name in IAM.
        self._caller = Caller(kind="User", account=account, arn=f"arn:aws:iam::{account}:user/authorizer")

    def __repr__(self) -> str:
        return f"<RestAccess {self._authority!r}>"

    async def signer(self, request: ApiRequest, body: bytes) -> Principal:
        claim = self._verifier.claim(request.http)
        if claim.scope.service != _SERVICE:
            raise InvalidSignatureException(f"Credential should be scoped to correct service: '{_SERVICE}'.")
        if claim.scope.region != request.region:
            raise InvalidSignatureException(
                f"Credential should be scoped to a valid region, not '{claim.scope.region}'."
            )
        self._verifier.verify(request.http.with_body(body), claim)
        if request.from_sandbox and not claim.principal.is_session:
            raise AccessDeniedException("Forbidden")
        return claim.principal

    def of_signer(self, principal: Principal, policy: str | None, arn: str, request: ApiRequest) -> Verdict:
        authority = self._authority
        if authority.exempts(principal):
            return Verdict.ALLOWED
        policies = authority.policies_of(principal)
        caller = Caller.of(principal, policies.arn, policies.tags)
        document = None if policy is None else authority.parse(policy)
        facts = self._circumstances(caller, request)
        return _verdict(authority.decide(policies, document, ACTION, arn, facts)[0])

    def of_anybody(self, policy: str, arn: str, request: ApiRequest) -> Verdict:
        facts = self._circumstances(ANONYMOUS, request)
        return _verdict(self._authority.decide(NOBODYS, self._authority.parse(policy), ACTION, arn, facts)[0])

    def policy(self, document: Any) -> Decide:
        text = _about_something(document)
        if text is None:
            return lambda arn, request: Verdict.SILENT
        try:
            policies = PrincipalPolicies(identity=(parse_document(text, DocumentKind.IDENTITY),))
        except MalformedPolicyDocumentError as error:
            raise ValueError(error.message) from error

        def decide(arn: str, request: ApiRequest) -> Verdict:
            context = self._circumstances(self._caller, request).context(policies.asks_for)
            asked = AccessRequest(caller=self._caller, action=ACTION, resource=arn, context=context)
            return _verdict(evaluate(asked, policies))

        return decide

    def check_policy(self, text: str) -> None:
        """Raises ValueError for what is no resource policy."""
        try:
            parse_document(text, DocumentKind.RESOURCE)
        except MalformedPolicyDocumentError as error:
            raise ValueError(error.message) from error

    def is_role(self, arn: str) -> bool:
        """Whether there is such a role, and API Gateway may act as it."""
        role = self._directory.role(arn)
        return role is not None and trusts_service(role, SERVICE, parse=self._directory.parse, context={})

    def _circumstances(self, caller: Caller, request: ApiRequest) -> Circumstances:
        headers = {"aws:UserAgent": "user-agent", "aws:Referer": "referer"}
        own = {key: request.headers.get(name, "") for key, name in headers.items()}
        http = request.http
        return self._authority.circumstances(
            caller, request.region, source_ip=http.source_ip, tls=http.is_secure, own=own
        )


def _about_something(document: Any) -> str | None:
    """A policy without statements about nothing, which AWS takes and Chalice writes; None if no others are left."""
    policy = json.loads(document) if isinstance(document, str) else document
    given = policy.get("Statement") if isinstance(policy, dict) else None
    if not isinstance(given, list):
        return json.dumps(policy)
    about = [each for each in given if not isinstance(each, dict) or each.get("Resource") != []]
    return json.dumps({**policy, "Statement": about}) if about or not given else None


def _verdict(decision: Decision) -> Verdict:
    if decision.allowed:
        return Verdict.ALLOWED
    return Verdict.DENIED if decision.explicit else Verdict.SILENT
