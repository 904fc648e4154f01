"""Who may deliver what to whom: a service by the target's policy, or as a role that lets it.

Source: "The confused deputy problem" in the IAM User Guide, and each service's page on what its targets have to allow.
"""

from collections.abc import Awaitable, Callable, Mapping

from stoker.deliveries.delivery import Delivery
from stoker.identity import trust
from stoker.identity.authority import Authority
from stoker.identity.callers import Caller
from stoker.identity.circumstances import PASSING, Circumstances
from stoker.identity.directory import Directory
from stoker.identity.documents import Document, DocumentKind
from stoker.identity.entities import Role
from stoker.identity.evaluation import NOBODYS, AccessRequest, Decision
from stoker.model.errors import AccessDeniedException
from stoker.model.principal import Principal, Session

EVENTS, LAMBDA, S3 = "events.amazonaws.com", "lambda.amazonaws.com", "s3.amazonaws.com"
# Services whose own events are on the default bus.
_TELLING = (S3, "cloudwatch.amazonaws.com")
# What a delivery does to its target, by the service in the target's ARN. An HTTP endpoint has no policy.
_ACTIONS: Mapping[str, str] = {
    "events": "events:PutEvents",
    "firehose": "firehose:PutRecord",
    "kinesis": "kinesis:PutRecord",
    "lambda": "lambda:InvokeFunction",
    "logs": "logs:PutLogEvents",
    "s3": "s3:PutObject",
    "sns": "sns:Publish",
    "sqs": "sqs:SendMessage",
    "states": "states:StartExecution",
}

# Doors that are remembered, a few hundred bytes each.
_REMEMBERED = 4096

FindRole = Callable[[Delivery], Awaitable[str | None]]


async def _role_in(delivery: Delivery) -> str | None:
    return delivery.role_arn


class DeliveryAccess:
    """Asked before every delivery, and when something is set up that a role will do later."""

    def __init__(self, authority: Authority, directory: Directory) -> None:
        self._authority = authority
        self._directory = directory
        self._find_role: FindRole = _role_in
        # What a target's policy let in whatever the time; a changed policy is another value.
        self._let_in: set[tuple[object, ...]] = set()

    def __repr__(self) -> str:
        return f"<DeliveryAccess {self._authority!r}>"

    def find_roles_by(self, find_role: FindRole) -> None:
        """Who knows the role of a delivery that does not say it."""
        self._find_role = find_role

    async def check(self, delivery: Delivery) -> None:
        """Raises AccessDeniedException unless the target's policy lets the service in for its source, or the role may.

        A role that does not trust the service that has it is none of the service's.
        """
        service = delivery.service
        action = _ACTIONS.get(service)
        if action is None or not self._authority.enforces or _needs_nobodys_leave(delivery, service):
            return
        resource = f"{delivery.target}/*" if service == "s3" else delivery.target
        policy = await self._authority.policy_of(service, delivery.target)
        door = (policy, action, resource, delivery.caller, delivery.region, delivery.source_arn)
        if door in self._let_in:
            return
        facts = self._authority.circumstances(
            Caller.of_service(delivery.caller), delivery.region, source_arn=delivery.source_arn, tls=True
        )
        decision, request = self._authority.decide(NOBODYS, policy, action, resource, facts)
        if decision.allowed:
            if policy is not None and policy.asks_for.isdisjoint(PASSING):
                if len(self._let_in) >= _REMEMBERED:
                    self._let_in.clear()
                self._let_in.add(door)
            return
        role_arn = await self._find_role(delivery)
        if role_arn is None:
            raise AccessDeniedException(decision.refusal(request))
        role = self._directory.role(role_arn)
        if role is None or not self._trusts(role, facts):
            # Not that the target's policy lets nobody in: whoever named a role did not mean that to.
            raise AccessDeniedException(
                f"User: {delivery.caller} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
            )
        decision, request = self._as_role(role, action, resource, policy, delivery.region, delivery.caller)
        if not decision.allowed:
            raise AccessDeniedException(decision.refusal(request))

    def may_assume(self, role_arn: str, caller: str, *, region: str, source_arn: str) -> bool:
        """Whether a role is there and trusts a service to act as it for its source."""
        if not self._authority.enforces:
            return True
        role = self._directory.role(role_arn)
        facts = self._authority.circumstances(Caller.of_service(caller), region, source_arn=source_arn, tls=True)
        return role is not None and self._trusts(role, facts)

    async def role_may(self, role_arn: str, action: str, resource: str) -> bool:
        """Whether Lambda, as a function's role, may do something to a resource."""
        if not self._authority.enforces:
            return True
        role = self._directory.role(role_arn)
        if role is None:
            return False
        service, region = resource.split(":")[2:4]
        policy = await self._authority.policy_of(service, resource)
        return self._as_role(role, action, resource, policy, region, LAMBDA)[0].allowed

    def _trusts(self, role: Role, facts: Circumstances) -> bool:
        parse = self._directory.parse
        asked = parse(role.trust, DocumentKind.TRUST).asks_for
        return trust.trusts_service(role, facts.caller.service, parse=parse, context=facts.context(asked))

    def _as_role(
        self, role: Role, action: str, resource: str, policy: Document | None, region: str, service: str
    ) -> tuple[Decision, AccessRequest]:
        session_name = service.partition(".")[0]
        principal = Principal(
            account=role.account,
            arn=f"arn:aws:sts::{role.account}:assumed-role/{role.name}/{session_name}",
            user_id=f"{role.id}:{session_name}",
            access_key="",
            session=Session(issuer_arn=role.arn, issuer_id=role.id),
        )
        policies = self._authority.policies_of(principal)
        facts = self._authority.circumstances(Caller.of(principal, policies.arn, policies.tags), region, tls=True)
        return self._authority.decide(policies, policy, action, resource, facts)


def _needs_nobodys_leave(delivery: Delivery, service: str) -> bool:
    """From bus to bus within an account nobody is asked unless a role is given, which then has to be allowed; nor is
    anybody about a service's own events on the default bus.
    """
    if service != "events" or delivery.role_arn is not None:
        return False
    return delivery.caller == EVENTS or (delivery.caller in _TELLING and delivery.target.endswith(":event-bus/default"))
