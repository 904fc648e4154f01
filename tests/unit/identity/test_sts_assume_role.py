"""Who may assume a role, for how long, and what of it a session keeps."""

import json

import pytest

from fakes.identity_house import ACCOUNT, BASIC_EXECUTION, LAMBDA_TRUST, ROOT, IdentityHouse, policy, trust
from stoker.identity.errors import ValidationError
from stoker.model.errors import AccessDeniedException, ServiceError
from stoker.model.principal import Principal
from stoker.wire.errors import ExpiredTokenException, UnrecognizedClientException

ARN = f"arn:aws:iam::{ACCOUNT}:role/worker"
ANN = f"arn:aws:iam::{ACCOUNT}:user/ann"


def assume(iam: IdentityHouse, caller: Principal = ROOT, **params: object) -> dict[str, object]:
    given = {"RoleArn": ARN, "RoleSessionName": "work", **params}
    answer: dict[str, object] = iam.call("AssumeRole", service="sts", caller=caller, **given)
    return answer


def session(iam: IdentityHouse, caller: Principal = ROOT, **params: object) -> Principal:
    made = assume(iam, caller, **params)["Credentials"]
    assert isinstance(made, dict)
    _, principal = iam.keys.lookup(made["AccessKeyId"], made["SessionToken"], iam.clock.time())
    return principal


def test_whoever_the_trust_policy_names_gets_credentials_for_an_hour(iam: IdentityHouse) -> None:
    ann = iam.user("ann")
    role = iam.role(trust_policy=trust({"AWS": ANN}))
    answer = assume(iam, ann)
    assert answer["AssumedRoleUser"] == {
        "AssumedRoleId": f"{role.id}:work",
        "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/work",
    }
    made = answer["Credentials"]
    assert isinstance(made, dict) and made["Expiration"].timestamp() - iam.clock.time() == 3600
    assert iam.keys.lookup(made["AccessKeyId"], made["SessionToken"], iam.clock.time())
    with pytest.raises(ExpiredTokenException):
        iam.keys.lookup(made["AccessKeyId"], made["SessionToken"], iam.clock.time() + 3600)


def test_nobody_else_does_and_an_absent_role_is_refused_alike(iam: IdentityHouse) -> None:
    iam.user("ann")
    eve = iam.user("eve")
    iam.call("PutUserPolicy", UserName="eve", PolicyName="all", PolicyDocument=policy("*"))
    iam.role(trust_policy=trust({"AWS": ANN}))
    for arn in (ARN, f"{ARN}-that-is-not-there"):
        with pytest.raises(AccessDeniedException) as refused:
            assume(iam, eve, RoleArn=arn)
        assert str(refused.value) == (
            f"User: arn:aws:iam::{ACCOUNT}:user/eve is not authorized to perform: sts:AssumeRole on resource: {arn}"
        )


def test_a_trusted_account_leaves_it_to_its_users_policies(iam: IdentityHouse) -> None:
    ann = iam.user("ann")
    iam.role(trust_policy=trust({"AWS": ACCOUNT}))
    with pytest.raises(AccessDeniedException):
        assume(iam, ann)
    iam.call("PutUserPolicy", UserName="ann", PolicyName="p", PolicyDocument=policy("sts:AssumeRole", ARN))
    assert assume(iam, ann)
    assert assume(iam), "the account itself"


def test_a_role_for_lambda_is_for_lambda(iam: IdentityHouse) -> None:
    iam.role(trust_policy=LAMBDA_TRUST)
    with pytest.raises(AccessDeniedException):
        assume(iam)


def test_an_external_id_is_asked_for(iam: IdentityHouse) -> None:
    condition = {"StringEquals": {"sts:ExternalId": "s3cret"}}
    iam.role(trust_policy=trust({"AWS": ACCOUNT}, Condition=condition))
    for given in ({}, {"ExternalId": "guess"}):
        with pytest.raises(AccessDeniedException):
            assume(iam, **given)
    assert assume(iam, ExternalId="s3cret")


def test_tags_need_leave_of_their_own_and_are_the_session_s(iam: IdentityHouse) -> None:
    iam.role(trust_policy=trust({"AWS": ACCOUNT}), Tags=[{"Key": "team", "Value": "a"}, {"Key": "x", "Value": "1"}])
    tags = [{"Key": "team", "Value": "b"}]
    with pytest.raises(AccessDeniedException, match="sts:TagSession"):
        assume(iam, Tags=tags)
    iam.call(
        "UpdateAssumeRolePolicy",
        RoleName="worker",
        PolicyDocument=trust({"AWS": ACCOUNT}, ["sts:AssumeRole", "sts:TagSession"]),
    )
    assert iam.directory.policies_of(session(iam, Tags=tags)).tags == {"team": "b", "x": "1"}


def test_durations_end_at_the_role_s_and_at_an_hour_for_a_chain(iam: IdentityHouse) -> None:
    iam.role(trust_policy=trust({"AWS": [ACCOUNT, ARN]}), MaxSessionDuration=7200)
    assert assume(iam, DurationSeconds=7200)
    with pytest.raises(ValidationError, match="exceeds the MaxSessionDuration set for this role"):
        assume(iam, DurationSeconds=7201)
    first = session(iam)
    assert assume(iam, first, DurationSeconds=3600)
    with pytest.raises(ValidationError, match="role chaining"):
        assume(iam, first, DurationSeconds=3601)


def test_session_policies_come_along_and_bad_ones_are_refused(iam: IdentityHouse) -> None:
    iam.role(trust_policy=trust({"AWS": ACCOUNT}))
    iam.call("PutRolePolicy", RoleName="worker", PolicyName="all", PolicyDocument=policy("s3:*"))
    plain = iam.directory.policies_of(session(iam))
    assert plain is iam.directory.policies_of(session(iam)), "sessions without extras share one value"
    bounded = iam.directory.policies_of(session(iam, Policy=policy(), PolicyArns=[{"arn": BASIC_EXECUTION}]))
    assert (len(plain.session), len(bounded.session), len(bounded.identity)) == (0, 2, 1)
    assert assume(iam, Policy=policy())["PackedPolicySize"]
    for bad in ({"Policy": "{"}, {"Policy": policy(resource="x" * 3000)}, {"PolicyArns": [{"arn": ARN}]}):
        with pytest.raises(ServiceError):
            assume(iam, **bad)


def test_a_managed_session_policy_that_is_gone_goes_on_bounding(iam: IdentityHouse) -> None:
    iam.role(trust_policy=trust({"AWS": ACCOUNT}))
    made = iam.call("CreatePolicy", PolicyName="p", PolicyDocument=policy())["Policy"]["Arn"]
    caller = session(iam, PolicyArns=[{"arn": made}])
    iam.call("DeletePolicy", PolicyArn=made)
    (left,) = iam.directory.policies_of(caller).session
    assert not left.statements


def test_sessions_end_with_their_role_and_a_new_one_of_the_name_does_not_have_them(iam: IdentityHouse) -> None:
    iam.role(trust_policy=trust({"AWS": ACCOUNT}))
    made = assume(iam)["Credentials"]
    assert isinstance(made, dict)
    caller = session(iam)
    iam.call("DeleteRole", RoleName="worker")
    for _ in range(2):
        with pytest.raises(UnrecognizedClientException):
            iam.keys.lookup(made["AccessKeyId"], made["SessionToken"], iam.clock.time())
        assert not iam.directory.policies_of(caller).exists
        if iam.directory.role(ARN) is None:
            iam.role(trust_policy=trust({"AWS": ACCOUNT}))


def test_a_simulation_decides_as_requests_are_decided(iam: IdentityHouse) -> None:
    iam.role()
    iam.call("PutRolePolicy", RoleName="worker", PolicyName="p", PolicyDocument=policy("s3:Get*", "arn:aws:s3:::b/*"))
    answer = iam.call(
        "SimulatePrincipalPolicy",
        PolicySourceArn=ARN,
        PolicyInputList=[policy("s3:GetObject", "arn:aws:s3:::b/no", "Deny")],
        ActionNames=["s3:GetObject", "s3:PutObject"],
        ResourceArns=["arn:aws:s3:::b/yes", "arn:aws:s3:::b/no"],
    )
    found = [(each["EvalActionName"], each["EvalDecision"]) for each in answer["EvaluationResults"]]
    assert found == [
        ("s3:GetObject", "allowed"),
        ("s3:GetObject", "explicitDeny"),
        ("s3:PutObject", "implicitDeny"),
        ("s3:PutObject", "implicitDeny"),
    ]
    assert answer["EvaluationResults"][0]["MatchedStatements"] == [
        {"SourcePolicyId": "role_worker_p", "SourcePolicyType": "role"}
    ]


def test_a_custom_policy_is_simulated_and_tells_what_it_lacks(iam: IdentityHouse) -> None:
    document = policy("sqs:*", Condition={"StringEquals": {"aws:RequestTag/team": "a"}})
    asked = {"PolicyInputList": [document], "ActionNames": ["sqs:SendMessage"]}
    (without,) = iam.call("SimulateCustomPolicy", **asked)["EvaluationResults"]
    assert (without["EvalDecision"], without["MissingContextValues"]) == ("implicitDeny", ["aws:requesttag/team"])
    entry = {"ContextKeyName": "aws:RequestTag/team", "ContextKeyValues": ["a"], "ContextKeyType": "string"}
    (given,) = iam.call("SimulateCustomPolicy", **asked, ContextEntries=[entry])["EvaluationResults"]
    assert given["EvalDecision"] == "allowed" and given["MissingContextValues"] == []


def test_what_a_token_says_is_not_more_than_it_has_to(iam: IdentityHouse) -> None:
    iam.role(trust_policy=trust({"AWS": ACCOUNT}))
    made = assume(iam)["Credentials"]
    assert isinstance(made, dict)
    assert len(made["SessionToken"]) < 500 and made["SecretAccessKey"] not in made["SessionToken"]
    assert "p" * 32 not in json.dumps(made, default=str)


def test_a_second_factor_is_asked_for_and_nobody_has_one(iam: IdentityHouse) -> None:
    condition = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    iam.role(trust_policy=trust({"AWS": ACCOUNT}, Condition=condition))
    with pytest.raises(AccessDeniedException):
        assume(iam)


def test_a_chain_of_roles_hands_on_what_is_transitive_and_whose_it_began_with(iam: IdentityHouse) -> None:
    actions = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
    iam.role("worker", trust({"AWS": ACCOUNT}, actions))
    iam.role("next", trust({"AWS": ARN}, actions))
    tags = [{"Key": "team", "Value": "red"}, {"Key": "own", "Value": "1"}]
    first = session(iam, Tags=tags, TransitiveTagKeys=["team"], SourceIdentity="ann")
    following = {"RoleArn": ARN.replace("worker", "next")}
    second = session(iam, first, **following, Tags=[{"Key": "more", "Value": "2"}])
    assert second.session is not None
    assert second.session.tags == {"team": "red", "more": "2"}
    assert (second.session.transitive, second.session.source_identity) == (("team",), "ann")
    with pytest.raises(ValidationError, match="transitive"):
        session(iam, first, **following, Tags=[{"Key": "Team", "Value": "blue"}])
    with pytest.raises(AccessDeniedException, match="source identity"):
        session(iam, first, **following, SourceIdentity="bob")
    with pytest.raises(ValidationError, match="none of the session's tags"):
        session(iam, TransitiveTagKeys=["absent"])


def test_tags_of_a_role_open_it(iam: IdentityHouse) -> None:
    ann = iam.user("ann")
    iam.role(trust_policy=trust({"AWS": ACCOUNT}), Tags=[{"Key": "team", "Value": "red"}])
    for team, allowed in (("blue", False), ("red", True)):
        condition = {"StringEquals": {"aws:ResourceTag/team": team}}
        document = policy("sts:AssumeRole", ARN, Condition=condition)
        iam.call("PutUserPolicy", UserName="ann", PolicyName="p", PolicyDocument=document)
        if allowed:
            assert assume(iam, ann)
        else:
            with pytest.raises(AccessDeniedException):
                assume(iam, ann)
