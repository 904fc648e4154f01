"""What the caller of an operation may do besides, by his policies and the bucket's."""

from stoker.identity.authority import Authority
from stoker.identity.callers import ANONYMOUS, Caller
from stoker.identity.evaluation import NOBODYS
from stoker.model.principal import Principal
from stoker.wire.message import Call

# Whoever has not signed.
STRANGER = Principal(
    account="anonymous", arn="arn:aws:iam::anonymous:user/anonymous", user_id="Anonymous", access_key=""
)


class CallerRights:
    """Asked where an answer depends on a right that the operation itself does not need."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority

    async def may(self, call: Call, action: str, arn: str) -> bool:
        """Whether whoever made the call may do `action` to what the ARN names."""
        authority, principal = self._authority, call.principal
        caller, policies = ANONYMOUS, NOBODYS
        if principal is not STRANGER:
            if authority.exempts(principal):
                return True
            policies = authority.policies_of(principal)
            caller = Caller.of(principal, policies.arn, policies.tags)
        facts = authority.circumstances(caller, call.region, source_ip=call.source_ip, tls=call.is_secure)
        document = await authority.policy_of("s3", arn)
        return authority.decide(policies, document, action, arn, facts)[0].allowed
