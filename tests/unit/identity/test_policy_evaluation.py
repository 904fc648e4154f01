"""Who may do what: AWS's documented logic, case by case. `test_policy_twin.py` holds it against a twin."""

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest

from fakes.identity_house import ACCOUNT, policy
from stoker.identity.callers import ANONYMOUS, Caller
from stoker.identity.documents import Document, DocumentKind, parse_document
from stoker.identity.evaluation import AccessRequest, Decision, evaluate
from stoker.identity.principal_policies import PrincipalPolicies

USER = Caller(
    kind="User",
    account=ACCOUNT,
    arn=f"arn:aws:iam::{ACCOUNT}:user/ann",
    issuer_arn=f"arn:aws:iam::{ACCOUNT}:user/ann",
    user_id="AIDA1",
)
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/team/worker"
SESSION = Caller(
    kind="AssumedRole",
    account=ACCOUNT,
    arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/f",
    issuer_arn=ROLE_ARN,
    user_id="AROA1:f",
)
OBJECT = "arn:aws:s3:::photos/a.jpg"


def own(*texts: str) -> tuple[Document, ...]:
    return tuple(parse_document(text, DocumentKind.IDENTITY) for text in texts)


def of_resource(principal: Any, action: Any = "s3:GetObject", resource: Any = OBJECT, **further: Any) -> Document:
    text = policy(action, resource, Principal=principal, **further)
    return parse_document(text, DocumentKind.RESOURCE)


def decide(
    *texts: str,
    caller: Caller = USER,
    action: str = "s3:GetObject",
    resource: str = OBJECT,
    context: Mapping[str, Any] | None = None,
    policy_of_resource: Document | None = None,
    boundary: str | None = None,
    session: tuple[str, ...] = (),
) -> Decision:
    policies = PrincipalPolicies(
        identity=own(*texts), boundary=own(boundary)[0] if boundary else None, session=own(*session)
    )
    request = AccessRequest(caller=caller, action=action, resource=resource, context=context or {})
    return evaluate(request, policies, policy_of_resource)


def test_nothing_is_allowed_that_no_policy_allows() -> None:
    decision = decide()
    request = AccessRequest(caller=USER, action="s3:GetObject", resource=OBJECT, context={})
    assert not decision.allowed
    assert decision.refusal(request) == (
        f"User: {USER.arn} is not authorized to perform: s3:GetObject on resource: {OBJECT} "
        "because no identity-based policy allows the s3:GetObject action"
    )


def test_a_deny_wins_wherever_it_stands() -> None:
    allow, deny = policy(), policy(effect="Deny")
    assert decide(allow).allowed
    for decision, kind in [
        (decide(allow, deny), "an identity-based policy"),
        (decide(allow, boundary=deny), "a permissions boundary"),
        (decide(allow, session=(deny,)), "a session policy"),
        (decide(allow, policy_of_resource=of_resource("*", Effect="Deny")), "a resource-based policy"),
    ]:
        request = AccessRequest(caller=USER, action="s3:GetObject", resource=OBJECT, context={})
        assert not decision.allowed
        assert decision.refusal(request).endswith(f"with an explicit deny in {kind}")


@pytest.mark.parametrize(
    ("action", "resource", "allowed"),
    [
        ("s3:GetObject", "*", True),
        ("s3:getobject", "*", True),
        ("s3:Get*", "*", True),
        ("s3:*", "arn:aws:s3:::photos/*", True),
        ("*", "arn:aws:s3:::photos/?.jpg", True),
        ("s3:PutObject", "*", False),
        ("s3:GetObject", "arn:aws:s3:::photo", False),
        ("s3:GetObject", "arn:aws:s3:::PHOTOS/*", False),
        (["sqs:*", "s3:Get?bject"], ["arn:aws:s3:::other/*", OBJECT], True),
    ],
)
def test_actions_and_resources_are_patterns(action: Any, resource: Any, allowed: bool) -> None:
    assert decide(policy(action, resource)).allowed is allowed


def test_a_wildcard_does_not_reach_into_another_account_s_arn() -> None:
    pattern = "arn:aws:sqs:us-east-1:111111111111:*"
    assert not decide(policy("sqs:*", pattern), action="sqs:SendMessage", resource="arn:aws:sqs:us-east-1:2:q").allowed


def test_not_action_and_not_resource_mean_all_others() -> None:
    statement = {"Effect": "Allow", "NotAction": "iam:*", "NotResource": "arn:aws:s3:::secret/*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": statement})
    assert decide(text).allowed
    assert not decide(text, action="iam:CreateUser", resource="*").allowed
    assert not decide(text, resource="arn:aws:s3:::secret/x").allowed


def test_a_boundary_and_a_session_policy_only_take_away() -> None:
    allow = policy()
    assert not decide(boundary=allow).allowed
    assert not decide(session=(allow,)).allowed
    assert decide(allow, boundary=allow, session=(allow,)).allowed
    assert not decide(allow, boundary=policy("sqs:*")).allowed
    assert not decide(allow, session=(policy("sqs:*"),)).allowed


@pytest.mark.parametrize(
    ("principal", "caller", "allowed"),
    [
        ("*", USER, True),
        ("*", ANONYMOUS, True),
        ({"AWS": "*"}, SESSION, True),
        ({"AWS": USER.arn}, USER, True),
        ({"AWS": USER.arn}, SESSION, False),
        ({"AWS": ROLE_ARN}, SESSION, True),
        ({"AWS": SESSION.arn}, SESSION, True),
        ({"AWS": ACCOUNT}, USER, False),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, SESSION, False),
        ({"Service": "s3.amazonaws.com"}, Caller.of_service("s3.amazonaws.com"), True),
        ({"Service": "sns.amazonaws.com"}, Caller.of_service("s3.amazonaws.com"), False),
        ({"Service": "s3.amazonaws.com"}, ANONYMOUS, False),
        ({"AWS": USER.arn}, ANONYMOUS, False),
    ],
)
def test_a_resource_s_policy_allows_whom_it_names(principal: Any, caller: Caller, allowed: bool) -> None:
    assert decide(caller=caller, policy_of_resource=of_resource(principal)).allowed is allowed


def test_a_role_named_by_a_resource_stays_within_its_session_s_policy() -> None:
    narrow = (policy("sqs:*"),)
    by_role = decide(caller=SESSION, policy_of_resource=of_resource({"AWS": ROLE_ARN}), session=narrow)
    by_session = decide(caller=SESSION, policy_of_resource=of_resource({"AWS": SESSION.arn}), session=narrow)
    assert (by_role.allowed, by_session.allowed) == (False, True)


def test_a_confused_deputy_is_told_by_its_source() -> None:
    condition = {"StringEquals": {"aws:SourceAccount": ACCOUNT}, "ArnLike": {"aws:SourceArn": "arn:aws:s3:::mine"}}
    guarded = of_resource({"Service": "s3.amazonaws.com"}, Condition=condition)
    service = Caller.of_service("s3.amazonaws.com")
    mine = {"aws:sourceaccount": ACCOUNT, "aws:sourcearn": "arn:aws:s3:::mine"}
    assert decide(caller=service, policy_of_resource=guarded, context=mine).allowed
    for key, value in [("aws:sourceaccount", "1" * 12), ("aws:sourcearn", "arn:aws:s3:::theirs")]:
        assert not decide(caller=service, policy_of_resource=guarded, context={**mine, key: value}).allowed


@pytest.mark.parametrize(
    ("operator", "key", "value", "context", "allowed"),
    [
        ("StringEquals", "aws:username", "ann", {"aws:username": "ann"}, True),
        ("StringEquals", "aws:username", "ann", {}, False),
        ("StringEqualsIfExists", "aws:username", "ann", {}, True),
        ("StringNotEquals", "aws:username", "ann", {}, True),
        ("StringNotEquals", "aws:username", ["ann", "bob"], {"aws:username": "bob"}, False),
        ("StringLike", "s3:prefix", "home/*", {"s3:prefix": "home/ann"}, True),
        ("NumericLessThanEquals", "s3:max-keys", "10", {"s3:max-keys": "10"}, True),
        ("NumericLessThan", "s3:max-keys", 10, {"s3:max-keys": "10"}, False),
        ("DateGreaterThan", "aws:CurrentTime", "2026-01-01T00:00:00Z", {"aws:currenttime": "2026-02-01"}, True),
        ("Bool", "aws:SecureTransport", True, {"aws:securetransport": "false"}, False),
        ("IpAddress", "aws:SourceIp", "10.0.0.0/8", {"aws:sourceip": "10.1.2.3"}, True),
        ("NotIpAddress", "aws:SourceIp", ["10.0.0.0/8", "::1/128"], {"aws:sourceip": "::1"}, False),
        ("Null", "aws:TokenIssueTime", "true", {}, True),
        ("ForAllValues:StringEquals", "aws:TagKeys", ["a", "b"], {"aws:tagkeys": ["a"]}, True),
        ("ForAllValues:StringEquals", "aws:TagKeys", ["a", "b"], {"aws:tagkeys": ["a", "c"]}, False),
        ("ForAnyValue:StringEquals", "aws:TagKeys", ["a", "b"], {"aws:tagkeys": ["a", "c"]}, True),
        ("ForAnyValue:StringEquals", "aws:TagKeys", ["a"], {}, False),
        ("ArnLike", "aws:SourceArn", "arn:aws:sns:*:*:t", {"aws:sourcearn": "arn:aws:sns:us-east-1:1:t"}, True),
    ],
)
def test_a_condition_holds_or_not(
    operator: str, key: str, value: Any, context: Mapping[str, Any], allowed: bool
) -> None:
    assert decide(policy(Condition={operator: {key: value}}), context=context).allowed is allowed


def test_a_variable_is_who_asks() -> None:
    text = policy(resource="arn:aws:s3:::photos/${aws:username}/*")
    mine = {"aws:username": "ann"}
    assert decide(text, resource="arn:aws:s3:::photos/ann/x", context=mine).allowed
    assert not decide(text, resource="arn:aws:s3:::photos/bob/x", context=mine).allowed
    assert not decide(text, resource="arn:aws:s3:::photos/bob/x", context={"aws:username": "*"}).allowed
    assert not decide(text, resource="arn:aws:s3:::photos//x").allowed


def test_a_pattern_made_to_be_slow_is_not() -> None:
    text = policy(resource="arn:aws:s3:::" + "a*" * 400 + "b?")
    began = time.process_time()
    assert not decide(text, resource="arn:aws:s3:::" + "a" * 5000).allowed
    # A matcher that tries every division would not end within the age of the universe.
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("named", "caller", "denied"),
    [
        ([ROLE_ARN], SESSION, False),
        ([SESSION.arn], SESSION, False),
        ([USER.arn], SESSION, True),
        # An account there is its root: the Deny stays for everybody else.
        ([f"arn:aws:iam::{ACCOUNT}:root"], USER, True),
        ([ACCOUNT, USER.arn], USER, False),
    ],
)
def test_a_deny_for_all_but_some_leaves_those_alone(named: list[str], caller: Caller, denied: bool) -> None:
    statement = {"Effect": "Deny", "NotPrincipal": {"AWS": named}, "Action": "s3:*", "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": statement})
    guarded = parse_document(text, DocumentKind.RESOURCE)
    assert decide(policy(), caller=caller, policy_of_resource=guarded).allowed is not denied


def test_where_a_variable_is_missing_nothing_is_allowed() -> None:
    theirs = {"StringNotEquals": {"s3:prefix": "${aws:username}"}}
    elsewhere = {"Version": "2012-10-17"} | {
        "Statement": {"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::${aws:username}"}
    }
    context = {"s3:prefix": "bob"}
    assert not decide(policy(Condition=theirs), caller=SESSION, context=context).allowed
    assert not decide(json.dumps(elsewhere), caller=SESSION).allowed
    assert decide(json.dumps(elsewhere), context={"aws:username": "ann"}).allowed
    assert decide(policy(resource="arn:aws:s3:::${aws:username, 'photos'}/*"), caller=SESSION).allowed
    assert not decide(policy(), policy(effect="Deny", Condition=theirs), caller=SESSION, context=context).allowed
