"""IAM, as APIs ask it."""

import json

from stoker.apis.access import INVOKE, Allows
from stoker.identity.authority import Authority
from stoker.identity.callers import Caller
from stoker.identity.documents import DocumentKind, parse_document
from stoker.identity.errors import MalformedPolicyDocumentError
from stoker.identity.evaluation import AccessRequest, evaluate
from stoker.identity.principal_policies import PrincipalPolicies
from stoker.model.principal import Principal


class ApiPermissions:
    """What `apis.access.Permissions` says."""

    def __init__(self, authority: Authority, account: str) -> None:
        self._authority = authority
        self._caller = Caller(kind="User", account=account, arn=f"arn:aws:iam::{account}:user/authorizer")

    def __repr__(self) -> str:
        return f"<ApiPermissions {self._authority!r}>"

    def may_invoke(self, principal: Principal, arn: str, *, region: str, source_ip: str, tls: bool) -> bool:
        authority = self._authority
        if principal.is_operator or authority.exempts(principal):
            return True
        policies = authority.policies_of(principal)
        caller = Caller.of(principal, policies.arn, policies.tags)
        facts = authority.circumstances(caller, region, source_ip=source_ip, tls=tls)
        return authority.decide(policies, None, INVOKE, arn, facts)[0].allowed

    def policy(self, document: object, *, region: str, source_ip: str) -> Allows:
        try:
            parsed = parse_document(json.dumps(document), DocumentKind.IDENTITY)
        except MalformedPolicyDocumentError as error:
            raise ValueError(error.message) from error
        policies = PrincipalPolicies(identity=(parsed,))
        facts = self._authority.circumstances(self._caller, region, source_ip=source_ip)
        context = facts.context(policies.asks_for)

        def allows(arn: str) -> bool:
            request = AccessRequest(caller=self._caller, action=INVOKE, resource=arn, context=context)
            return evaluate(request, policies, None).allowed

        return allows
