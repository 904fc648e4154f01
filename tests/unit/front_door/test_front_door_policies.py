"""Calls held against access tables and policies: what is asked, of whom, and in whose words it is refused."""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from fakes.identity_house import ACCOUNT, ROOT, IdentityHouse, policy
from stoker.front_door.authorisation import Authoriser
from stoker.identity.authority import Authority
from stoker.model.access import Access, AccessTable
from stoker.model.errors import AccessDeniedException
from stoker.model.principal import Principal, Session
from stoker.services.lambda_.access import ACCESS
from stoker.wire.message import Call

FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"


class Functions:
    """Functions with policies and tags by ARN."""

    name = "lambda"
    access: AccessTable = ACCESS
    resource_policies_deny = False

    def __init__(self) -> None:
        self.policies: dict[str, str] = {}
        self.tags: dict[str, Mapping[str, str]] = {}

    async def resource_policy(self, arn: str) -> str | None:
        return self.policies.get(arn)

    async def resource_tags(self, arn: str) -> Mapping[str, str]:
        return self.tags.get(arn, {})


class Resources:
    """A service whose resources' policies can deny; `named` is what a call says that it is about."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.policies: dict[str, str] = {}
        self.access: AccessTable = {
            operation: Access(action=f"{name}:{operation}", resources=lambda params, _where: params["named"])
            for operation in ("SendMessage", "SetQueueAttributes")
        }

    def resource_policy(self, arn: str) -> str | None:
        return self.policies.get(arn)


class Desk:
    """A user, ann, who makes calls."""

    def __init__(self, iam: IdentityHouse) -> None:
        self.iam = iam
        self.ann = iam.user()
        self.functions, self.queues = Functions(), Resources("sqs")
        services = [self.functions, self.queues, Resources("s3"), Resources("sns")]
        authority = Authority(iam.directory, account=ACCOUNT, clock=iam.clock)
        self.authoriser = Authoriser(authority, services)
        # Whether the last call was known to be allowed, without being looked into.
        self.was_open = False

    def allow(self, *statements: dict[str, Any]) -> None:
        """Ann's policy: these statements, which allow where they say nothing else."""
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]}
        self.iam.call("PutUserPolicy", UserName="ann", PolicyName="p", PolicyDocument=json.dumps(document))

    def may(self, operation: str, service: str = "lambda", **params: Any) -> bool:
        try:
            self.call(operation, service, **params)
        except AccessDeniedException:
            return False
        return True

    def call(
        self,
        operation: str,
        service: str,
        *,
        caller: Principal | None = None,
        source_ip: str = "",
        is_secure: bool = False,
        **params: Any,
    ) -> None:
        call = Call(
            service=service,
            operation=operation,
            params=params,
            region="us-east-1",
            account=ACCOUNT,
            principal=caller or self.ann,
            request_id="r",
            source_ip=source_ip,
            is_secure=is_secure,
        )
        self.was_open = self.authoriser.is_open(call)
        try:
            self.iam.run(self.authoriser.check(call))
        except AccessDeniedException:
            # Whatever a test does: what is refused must not have been taken for known to be allowed.
            assert not self.was_open
            raise


@pytest.fixture
def desk(tmp_path: Path, empty_store: Path) -> Iterator[Desk]:
    shutil.copy(empty_store, tmp_path / "stoker.db")
    house = IdentityHouse(tmp_path)
    yield Desk(house)
    house.close()


def test_a_change_of_policy_counts_from_the_next_call(desk: Desk) -> None:
    for allowed in (True, False, True):
        desk.allow({"Action": "lambda:Invoke*" if allowed else "lambda:Get*", "Resource": FUNCTION})
        assert [desk.may("Invoke", FunctionName="f") for _ in range(3)] == [allowed] * 3
    desk.iam.call("DeleteUserPolicy", UserName="ann", PolicyName="p")
    assert not desk.may("Invoke", FunctionName="f")


def test_what_is_allowed_whatever_the_circumstances_is_known_from_the_second_call_on(desk: Desk) -> None:
    desk.allow({"Action": "lambda:Invoke*", "Resource": FUNCTION})
    known = []
    for _ in range(3):
        assert desk.may("Invoke", FunctionName="f")
        known.append(desk.was_open)
    assert known == [False, True, True]
    desk.may("Invoke", FunctionName="g")
    assert not desk.was_open
    desk.call("Invoke", "lambda", caller=ROOT, FunctionName="g")
    assert desk.was_open


def test_a_qualifier_is_a_resource_of_its_own(desk: Desk) -> None:
    desk.allow({"Action": "lambda:*", "Resource": FUNCTION})
    assert desk.may("Invoke", FunctionName="f")
    assert desk.may("Invoke", FunctionName=FUNCTION)
    for named in ({"FunctionName": "f", "Qualifier": "live"}, {"FunctionName": f"{FUNCTION}:live"}):
        assert not desk.may("Invoke", **named)
    assert not desk.may("Invoke", FunctionName="arn:aws:lambda:eu-west-1:000000000000:function:f")
    assert not desk.may("Invoke", FunctionName="f/../g")


def test_a_decision_for_one_address_is_none_for_another(desk: Desk) -> None:
    condition = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    desk.allow({"Action": "lambda:*", "Resource": "*", "Condition": condition})
    assert [desk.may("Invoke", FunctionName="f", source_ip=ip) for ip in ("10.1.1.1", "192.0.2.1", "10.1.1.1")] == [
        True,
        False,
        True,
    ]


def test_a_decision_for_a_call_over_tls_is_none_for_one_in_the_open(desk: Desk) -> None:
    deny = {"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    desk.allow({"Action": "lambda:*", "Resource": "*"}, {"Action": "*", "Resource": "*", **deny})
    ways = [desk.may("Invoke", FunctionName="f", is_secure=is_secure) for is_secure in (True, False, True)]
    assert ways == [True, False, True]


def test_a_decision_for_today_is_none_for_tomorrow(desk: Desk) -> None:
    until = str(int(desk.iam.clock.time()) + 3600)
    desk.allow({"Action": "lambda:*", "Resource": "*", "Condition": {"DateLessThan": {"aws:EpochTime": until}}})
    assert [desk.may("Invoke", FunctionName="f") for _ in range(3)] == [True] * 3
    desk.iam.clock.advance(3601)
    assert not desk.may("Invoke", FunctionName="f")


def test_tags_of_the_function_open_and_shut(desk: Desk) -> None:
    tagged = {"StringEquals": {"aws:ResourceTag/stage": "dev"}}
    shut = {"StringEquals": {"aws:ResourceTag/frozen": "yes"}}
    desk.allow(
        {"Action": "lambda:*", "Resource": "*", "Condition": tagged},
        {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": shut},
    )
    assert not desk.may("Invoke", FunctionName="f")
    desk.functions.tags[FUNCTION] = {"stage": "dev"}
    assert desk.may("Invoke", FunctionName="f")
    desk.functions.tags[FUNCTION] = {"stage": "dev", "frozen": "yes"}
    assert not desk.may("Invoke", FunctionName="f")


def test_a_function_s_policy_can_ask_for_circumstances_that_no_policy_of_the_caller_asks_for(desk: Desk) -> None:
    condition = {"StringEquals": {"lambda:Principal": "s3.amazonaws.com", "aws:username": "ann"}}
    principal = {"AWS": desk.ann.arn}
    desk.functions.policies[FUNCTION] = policy(
        "lambda:AddPermission", FUNCTION, Principal=principal, Condition=condition
    )
    assert desk.may("AddPermission", FunctionName="f", Principal="s3.amazonaws.com")
    assert not desk.may("AddPermission", FunctionName="f", Principal="*")


@pytest.mark.parametrize(
    ("further", "missing"),
    [
        ({}, "iam:PassRole"),
        ({"Layers": ["arn:aws:lambda:us-east-1:000000000000:layer:l:1"]}, "lambda:GetLayerVersion"),
        ({"Tags": {"a": "b"}}, "lambda:TagResource"),
    ],
)
def test_a_new_function_takes_all_that_it_is_made_of(desk: Desk, further: dict[str, Any], missing: str) -> None:
    actions = ["lambda:CreateFunction", "iam:PassRole", "lambda:GetLayerVersion", "lambda:TagResource"]
    desk.allow({"Action": actions, "Resource": "*"})
    assert desk.may("CreateFunction", FunctionName="f", Role=ROLE, **further)
    desk.allow({"Action": [action for action in actions if action != missing], "Resource": "*"})
    with pytest.raises(AccessDeniedException, match=missing):
        desk.call("CreateFunction", "lambda", FunctionName="f", Role=ROLE, **further)


def test_a_role_is_passed_to_the_service_that_the_policy_names(desk: Desk) -> None:
    create = {"Action": "lambda:*", "Resource": "*"}
    for service, allowed in (("lambda.amazonaws.com", True), ("ec2.amazonaws.com", False)):
        condition = {"StringEquals": {"iam:PassedToService": service}}
        desk.allow(create, {"Action": "iam:PassRole", "Resource": ROLE, "Condition": condition})
        assert desk.may("CreateFunction", FunctionName="f", Role=ROLE) is allowed
        assert not desk.may("CreateFunction", FunctionName="f", Role=f"{ROLE}2")
        assert desk.may("UpdateFunctionConfiguration", FunctionName="f")


def test_what_a_call_brings_along_can_be_asked_for(desk: Desk) -> None:
    for condition, good, bad in [
        ({"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}}, {"AuthType": "AWS_IAM"}, {"AuthType": "NONE"}),
        ({"StringEquals": {"aws:RequestTag/a": "b"}}, {"Tags": {"a": "b"}}, {"Tags": {"a": "c"}}),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}}, {"TagKeys": ["a"]}, {"TagKeys": ["a", "b"]}),
    ]:
        desk.allow({"Action": "*", "Resource": "*", "Condition": condition})
        for given, allowed in ((good, True), (bad, False)):
            assert desk.may("CreateFunctionUrlConfig", FunctionName="f", **given) is allowed
    desk.allow({"Action": "*", "Resource": "*", "Condition": {"ArnLike": {"lambda:FunctionArn": FUNCTION}}})
    assert desk.may("CreateEventSourceMapping", FunctionName="f")
    assert not desk.may("CreateEventSourceMapping", FunctionName="g")


def test_a_resource_s_policy_shuts_out_even_the_account_but_not_for_ever(desk: Desk) -> None:
    desk.allow({"Action": "sqs:*", "Resource": "*"})
    assert desk.may("SendMessage", "sqs", named=[QUEUE])
    desk.queues.policies[QUEUE] = policy("sqs:*", QUEUE, "Deny", Principal="*")
    for caller in (desk.ann, ROOT):
        assert not desk.may("SendMessage", "sqs", named=[QUEUE], caller=caller)
    assert not desk.may("SetQueueAttributes", "sqs", named=[QUEUE])
    assert desk.may("SetQueueAttributes", "sqs", named=[QUEUE], caller=ROOT)


def test_each_resource_has_to_be_allowed_and_a_call_that_names_none_is_about_all(desk: Desk) -> None:
    desk.allow({"Action": "sqs:*", "Resource": QUEUE})
    assert desk.may("SendMessage", "sqs", named=[QUEUE, QUEUE])
    assert not desk.may("SendMessage", "sqs", named=[QUEUE, f"{QUEUE}2"])
    assert not desk.may("SendMessage", "sqs", named=[])


def test_in_development_users_may_everything_and_sessions_what_their_roles_may(desk: Desk) -> None:
    """Function code stays hostile."""
    authority = Authority(desk.iam.directory, account=ACCOUNT, clock=desk.iam.clock, enforce=False)
    desk.authoriser = Authoriser(authority, [desk.functions, desk.queues])
    assert desk.may("Invoke", FunctionName="f")
    assert desk.may("SendMessage", "sqs", named=[QUEUE])
    role = desk.iam.role("worker")
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/s"
    session = Session(issuer_arn=role.arn, issuer_id=role.id)
    worker = Principal(account=ACCOUNT, arn=arn, user_id=f"{role.id}:s", access_key="ASIA", session=session)
    assert not desk.may("Invoke", FunctionName="f", caller=worker)


def test_an_operation_without_a_row_is_the_account_s_alone(desk: Desk) -> None:
    desk.allow({"Action": "*", "Resource": "*"})
    assert not desk.may("Unheard", "sqs")
    assert not desk.may("Anything", "unknown")
    assert desk.may("Unheard", "sqs", caller=ROOT)


@pytest.mark.parametrize(
    ("service", "code", "words"),
    [
        (
            "sqs",
            "AccessDeniedException",
            "sqs:sendmessage on resource: x because no identity-based policy allows the sqs:",
        ),
        ("s3", "AccessDeniedException", 's3:SendMessage on resource: "x" because'),
        ("sns", "AuthorizationError", "SNS:SendMessage on resource: x because"),
    ],
)
def test_services_word_refusals_their_own_way(desk: Desk, service: str, code: str, words: str) -> None:
    with pytest.raises(AccessDeniedException) as caught:
        desk.call("SendMessage", service, named=["x"])
    assert caught.value.code == code
    assert f"User: {desk.ann.arn} is not authorized to perform: {words}" in caught.value.message
