"""Services deliver where the target's policy lets them for their source, or as a role that may and trusts them."""

from typing import Any

import pytest

from fakes.identity_house import ACCOUNT, IdentityHouse, policy, trust
from stoker.deliveries.delivery import Delivery
from stoker.identity.authority import Authority
from stoker.identity.delivery_access import DeliveryAccess
from stoker.model.errors import AccessDeniedException

FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"
RULE = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/r"
BUCKET = "arn:aws:s3:::mine"
S3 = {"Service": "s3.amazonaws.com"}
EVENTS_TRUST = trust({"Service": "events.amazonaws.com"})


class Deliveries:
    """Asks for deliveries to resources with policies, by ARN."""

    def __init__(self, house: IdentityHouse, *, enforce: bool = True) -> None:
        self.house = house
        self.policies: dict[str, str] = {}
        authority = Authority(house.directory, account=ACCOUNT, clock=house.clock, enforce=enforce)
        for service in ("lambda", "sqs", "events"):
            authority.know(service, policy=self.policies.get)
        self.access = DeliveryAccess(authority, house.directory)

    def may(self, target: str, **members: Any) -> bool:
        try:
            self.check(target, **members)
        except AccessDeniedException:
            return False
        return True

    def check(self, target: str, **members: Any) -> None:
        given = {"caller": "s3.amazonaws.com", "source_arn": BUCKET, **members}
        delivery = Delivery(target=target, body=b"{}", region="us-east-1", account=ACCOUNT, **given)
        self.house.run(self.access.check(delivery))

    def role_may(self, role_arn: str, action: str, resource: str) -> bool:
        return self.house.run(self.access.role_may(role_arn, action, resource))


@pytest.fixture
def deliveries(iam: IdentityHouse) -> Deliveries:
    return Deliveries(iam)


def test_without_a_policy_nobody_delivers(deliveries: Deliveries) -> None:
    with pytest.raises(AccessDeniedException) as caught:
        deliveries.check(FUNCTION)
    assert caught.value.message == (
        "User: s3.amazonaws.com is not authorized to perform: lambda:InvokeFunction on resource: "
        f"{FUNCTION} because no resource-based policy allows the lambda:InvokeFunction action"
    )


def test_a_policy_lets_its_service_in_and_no_other(deliveries: Deliveries) -> None:
    deliveries.policies[FUNCTION] = policy("lambda:InvokeFunction", FUNCTION, Principal=S3)
    assert deliveries.may(FUNCTION)
    assert not deliveries.may(FUNCTION, caller="sns.amazonaws.com")
    assert not deliveries.may(QUEUE)


def test_a_changed_policy_counts_at_once(deliveries: Deliveries) -> None:
    deliveries.policies[FUNCTION] = policy("lambda:InvokeFunction", FUNCTION, Principal=S3)
    assert deliveries.may(FUNCTION)
    deliveries.policies[FUNCTION] = policy("lambda:InvokeFunction", FUNCTION, effect="Deny", Principal=S3)
    assert not deliveries.may(FUNCTION)


def test_what_was_let_in_for_a_time_is_not_let_in_after_it(deliveries: Deliveries) -> None:
    until = {"NumericLessThan": {"aws:EpochTime": str(int(deliveries.house.clock.time()) + 60)}}
    deliveries.policies[FUNCTION] = policy("lambda:InvokeFunction", FUNCTION, Principal=S3, Condition=until)
    assert deliveries.may(FUNCTION)
    deliveries.house.clock.advance(61)
    assert not deliveries.may(FUNCTION)


def test_a_door_that_one_source_opened_stays_shut_for_others(deliveries: Deliveries) -> None:
    only = {"ArnLike": {"aws:SourceArn": BUCKET}}
    deliveries.policies[FUNCTION] = policy("lambda:InvokeFunction", FUNCTION, Principal=S3, Condition=only)
    assert deliveries.may(FUNCTION) and deliveries.may(FUNCTION)
    assert not deliveries.may(FUNCTION, source_arn="arn:aws:s3:::theirs")
    assert not deliveries.may(FUNCTION, caller="sns.amazonaws.com")


@pytest.mark.parametrize(
    ("condition", "source_arn", "allowed"),
    [
        ({"ArnLike": {"AWS:SourceArn": BUCKET}}, BUCKET, True),
        ({"ArnLike": {"AWS:SourceArn": BUCKET}}, "arn:aws:s3:::theirs", False),
        ({"StringEquals": {"AWS:SourceAccount": ACCOUNT}}, BUCKET, True),
        ({"StringEquals": {"AWS:SourceAccount": ACCOUNT}}, "arn:aws:sns:us-east-1:111111111111:t", False),
        ({"StringEquals": {"AWS:SourceAccount": "111111111111"}}, BUCKET, False),
        ({"ArnLike": {"aws:SourceArn": f"arn:aws:events:*:{ACCOUNT}:rule/*"}}, RULE, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:events:*:*:rule/*"}}, "arn:aws:s3:::events:x:y:rule/r", False),
    ],
)
def test_a_confused_deputy_is_told_by_its_source(
    deliveries: Deliveries, condition: Any, source_arn: str, allowed: bool
) -> None:
    deliveries.policies[QUEUE] = policy("sqs:SendMessage", QUEUE, Principal=S3, Condition=condition)
    assert deliveries.may(QUEUE, source_arn=source_arn) is allowed


def test_a_role_delivers_what_it_may_if_it_trusts_the_service(deliveries: Deliveries) -> None:
    role = deliveries.house.role("sender", EVENTS_TRUST).arn
    by_role = {"caller": "events.amazonaws.com", "role_arn": role}
    assert not deliveries.may(QUEUE, **by_role)
    document = policy("sqs:SendMessage", QUEUE)
    deliveries.house.call("PutRolePolicy", RoleName="sender", PolicyName="p", PolicyDocument=document)
    assert deliveries.may(QUEUE, **by_role)
    assert not deliveries.may(f"{QUEUE}2", **by_role)
    assert not deliveries.may(QUEUE, **by_role | {"caller": "s3.amazonaws.com"})
    assert not deliveries.may(QUEUE, caller="events.amazonaws.com", role_arn=f"{role}x")


@pytest.mark.parametrize("name", ["stranger", "absent"])
def test_who_named_a_role_that_cannot_be_assumed_hears_of_the_role(deliveries: Deliveries, name: str) -> None:
    role = deliveries.house.role("stranger", EVENTS_TRUST).arn.replace("stranger", name)
    with pytest.raises(AccessDeniedException) as caught:
        deliveries.check(QUEUE, caller="scheduler.amazonaws.com", role_arn=role)
    assert caught.value.message == (
        f"User: scheduler.amazonaws.com is not authorized to perform: sts:AssumeRole on resource: {role}"
    )


def test_a_function_s_role_is_asked_ahead(deliveries: Deliveries) -> None:
    role = deliveries.house.role("worker").arn
    assert not deliveries.role_may(role, "sqs:ReceiveMessage", QUEUE)
    deliveries.policies[QUEUE] = policy("sqs:ReceiveMessage", QUEUE, Principal={"AWS": role})
    assert deliveries.role_may(role, "sqs:ReceiveMessage", QUEUE)
    assert not deliveries.role_may(role, "sqs:SendMessage", QUEUE)
    assert not deliveries.role_may(f"{role}x", "sqs:ReceiveMessage", QUEUE)


def test_an_http_endpoint_has_no_policy_and_a_bus_is_open_to_its_own_account(deliveries: Deliveries) -> None:
    assert deliveries.may("https://example.com/hook")
    bus = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/b"
    assert deliveries.may(bus, caller="events.amazonaws.com")
    assert not deliveries.may(bus)


def test_in_development_nobody_is_asked(iam: IdentityHouse) -> None:
    assert Deliveries(iam, enforce=False).may(FUNCTION)


DELIVERING = [
    ("s3.amazonaws.com", "arn:aws:s3:::mine", "arn:aws:s3:::theirs"),
    ("sns.amazonaws.com", f"arn:aws:sns:us-east-1:{ACCOUNT}:mine", f"arn:aws:sns:us-east-1:{ACCOUNT}:theirs"),
    ("events.amazonaws.com", f"arn:aws:events:us-east-1:{ACCOUNT}:rule/mine", RULE),
    (
        "apigateway.amazonaws.com",
        f"arn:aws:execute-api:us-east-1:{ACCOUNT}:mine/*",
        f"arn:aws:execute-api:::{ACCOUNT}:x",
    ),
    ("lambda.amazonaws.com", f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:mine", FUNCTION),
]


@pytest.mark.parametrize(("service", "mine", "theirs"), DELIVERING)
@pytest.mark.parametrize("target", [FUNCTION, QUEUE])
def test_each_service_is_let_in_for_the_source_that_is_named_and_no_other(
    deliveries: Deliveries, target: str, service: str, mine: str, theirs: str
) -> None:
    action = "sqs:SendMessage" if target == QUEUE else "lambda:InvokeFunction"
    for condition in ({"ArnLike": {"AWS:SourceArn": mine}}, {"ArnEquals": {"aws:SourceArn": mine}}):
        deliveries.policies[target] = policy(action, target, Principal={"Service": service}, Condition=condition)
        assert deliveries.may(target, caller=service, source_arn=mine.replace("*", "stage/GET/"))
        assert not deliveries.may(target, caller=service, source_arn=theirs)
        for other, *_ in DELIVERING:
            if other != service:
                assert not deliveries.may(target, caller=other, source_arn=mine)
    foreign = {"StringEquals": {"aws:SourceAccount": "111111111111"}}
    deliveries.policies[target] = policy(action, target, Principal={"Service": service}, Condition=foreign)
    assert not deliveries.may(target, caller=service, source_arn=mine)
    deliveries.policies[target] = policy("sqs:ReceiveMessage", target, Principal={"Service": service})
    assert not deliveries.may(target, caller=service, source_arn=mine)


@pytest.mark.parametrize("service", ["scheduler.amazonaws.com", "events.amazonaws.com"])
def test_a_role_trusts_a_service_for_the_source_that_it_names(deliveries: Deliveries, service: str) -> None:
    group = f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule-group/mine"
    for key, value, allowed in [
        ("aws:SourceArn", group, True),
        ("aws:SourceArn", f"{group}s", False),
        ("aws:SourceAccount", ACCOUNT, True),
        ("aws:SourceAccount", "111111111111", False),
    ]:
        name = f"for-{key[4:]}-{allowed}"
        condition = {"StringEquals": {key: value}}
        role = deliveries.house.role(name, trust({"Service": service}, Condition=condition)).arn
        document = policy("sqs:SendMessage", QUEUE)
        deliveries.house.call("PutRolePolicy", RoleName=name, PolicyName="p", PolicyDocument=document)
        assert deliveries.may(QUEUE, caller=service, source_arn=group, role_arn=role) is allowed
