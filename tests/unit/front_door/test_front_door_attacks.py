"""Ways around a policy that were tried: other names for the same thing, second resources, what others do for one."""

import base64
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.identity_house import ACCOUNT, IdentityHouse, policy
from stoker.front_door.authorisation import Authoriser
from stoker.identity.authority import Authority
from stoker.model.access import AccessTable
from stoker.model.errors import AccessDeniedException, NotBuiltError
from stoker.model.principal import Principal, Session
from stoker.services.apigateway import access as apigateway
from stoker.services.apigatewayv2 import access as apigatewayv2
from stoker.services.dynamodb import access as dynamodb
from stoker.services.events import access as events
from stoker.services.iam.access import access_table
from stoker.services.lambda_ import access as lambda_
from stoker.services.logs import access as logs
from stoker.services.s3 import access as s3
from stoker.services.scheduler import access as scheduler
from stoker.services.sqs import access as sqs
from stoker.wire.message import Call

HERE = f"us-east-1:{ACCOUNT}"
TABLE = f"arn:aws:dynamodb:{HERE}:table/secret"
FUNCTION = f"arn:aws:lambda:{HERE}:function:secret"
LAYER = f"arn:aws:lambda:{HERE}:layer:secret"
GROUP = f"arn:aws:logs:{HERE}:log-group:secret"
RULE = f"arn:aws:events:{HERE}:rule/secret"
QUEUE = f"arn:aws:sqs:{HERE}:secret"
HANDLE = base64.b64encode(json.dumps({"taskId": "1", "sourceArn": QUEUE.replace("aws", "aws-cn", 1)}).encode()).decode()

# What is written, and the ARN under which a service would find it.
OTHER_NAMES: list[tuple[str, str, dict[str, Any], str]] = [
    ("dynamodb", "GetItem", {"TableName": TABLE.replace("us-east-1", "eu-west-1")}, TABLE),
    ("dynamodb", "GetItem", {"TableName": "arn:aws-cn:dynamodb:::table/secret"}, TABLE),
    ("dynamodb", "BatchGetItem", {"RequestItems": {"mine": {}, "secret": {}}}, TABLE),
    ("dynamodb", "TransactGetItems", {"TransactItems": [{"Get": {"TableName": t}} for t in ("mine", "secret")]}, TABLE),
    (
        "dynamodb",
        "TransactWriteItems",
        {"TransactItems": [{"Put": {"TableName": "mine"}}, {"ConditionCheck": {"TableName": "secret"}}]},
        TABLE,
    ),
    ("dynamodb", "TagResource", {"ResourceArn": TABLE.replace(ACCOUNT, "1" * 12)}, TABLE),
    ("lambda", "Invoke", {"FunctionName": "arn:aws-cn:lambda:us-east-1:000000000000:function:secret"}, FUNCTION),
    ("lambda", "Invoke", {"FunctionName": f"{ACCOUNT}:function:secret"}, FUNCTION),
    ("lambda", "Invoke", {"FunctionName": "secret", "Qualifier": "live"}, f"{FUNCTION}:live"),
    ("lambda", "ListTags", {"Resource": FUNCTION.replace("aws", "aws-cn", 1)}, FUNCTION),
    (
        "lambda",
        "GetLayerVersion",
        {"LayerName": LAYER.replace("aws", "aws-us-gov", 1), "VersionNumber": 1},
        f"{LAYER}:1",
    ),
    ("lambda", "GetLayerVersionByArn", {"Arn": f"{LAYER}:1".replace("aws", "aws-cn", 1)}, f"{LAYER}:1"),
    ("lambda", "UpdateFunctionConfiguration", {"FunctionName": "mine", "Layers": [f"{LAYER}:1"]}, f"{LAYER}:1"),
    ("logs", "FilterLogEvents", {"logGroupIdentifier": f"{GROUP}:*"}, f"{GROUP}:*"),
    ("logs", "FilterLogEvents", {"logGroupIdentifier": GROUP.replace("aws", "x", 1)}, f"{GROUP}:*"),
    ("logs", "UntagResource", {"resourceArn": f"{GROUP}:*"}, GROUP),
    ("logs", "StartLiveTail", {"logGroupIdentifiers": ["mine", "secret"]}, GROUP),
    (
        "logs",
        "DescribeLogGroups",
        {"logGroupNamePrefix": "mine", "logGroupIdentifiers": ["secret"]},
        f"{GROUP}:log-stream:*",
    ),
    ("events", "TagResource", {"ResourceARN": RULE.replace("rule/", "rule/default/")}, RULE),
    ("events", "TagResource", {"ResourceARN": "arn:x:events:eu-west-1:9:rule/secret"}, RULE),
    ("events", "PutRule", {"Name": "secret", "EventBusName": f"arn:aws:events:{HERE}:event-bus/default"}, RULE),
    ("events", "PutEvents", {"Entries": [{}, {"EventBusName": "secret"}]}, f"arn:aws:events:{HERE}:event-bus/secret"),
    (
        "events",
        "CreateArchive",
        {"ArchiveName": "mine", "EventSourceArn": f"arn:aws:events:{HERE}:event-bus/secret"},
        f"arn:aws:events:{HERE}:event-bus/secret",
    ),
    (
        "events",
        "StartReplay",
        {"ReplayName": "mine", "EventSourceArn": f"arn:aws:events:{HERE}:archive/secret"},
        f"arn:aws:events:{HERE}:archive/secret",
    ),
    (
        "scheduler",
        "ListTagsForResource",
        {"ResourceArn": "arn:x:scheduler:::schedule-group/secret"},
        f"arn:aws:scheduler:{HERE}:schedule-group/secret",
    ),
    ("sqs", "SendMessage", {"QueueUrl": f"http://elsewhere/{ACCOUNT}/secret/"}, QUEUE),
    ("sqs", "SendMessage", {"QueueUrl": f"/{ACCOUNT}/secret"}, QUEUE),
    ("sqs", "StartMessageMoveTask", {"SourceArn": "mine", "DestinationArn": QUEUE.replace("aws", "x", 1)}, QUEUE),
    ("sqs", "CancelMessageMoveTask", {"TaskHandle": HANDLE}, QUEUE),
    ("s3", "CopyObject", {"Bucket": "mine", "Key": "k", "CopySource": "/secret/a%2Fb"}, "arn:aws:s3:::secret/a/b"),
    ("s3", "UploadPartCopy", {"Bucket": "mine", "Key": "k", "CopySource": "secret/a?versionId=1"}, "*:secret/a"),
    ("s3", "DeleteObjects", {"Bucket": "b", "Delete": {"Objects": [{"Key": "x"}, {"Key": "y"}]}}, "*:b/y"),
    (
        "s3",
        "DeleteObjects",
        {"Bucket": "b", "Delete": {"Objects": [{"Key": "x"}, {"Key": "y", "VersionId": "1"}]}},
        "arn:aws:s3:::b/y",
    ),
    ("iam", "DeleteUserPolicy", {"UserName": "ANN"}, f"arn:aws:iam::{ACCOUNT}:user/ann"),
    ("iam", "CreateAccessKey", {"UserName": "aNN"}, f"arn:aws:iam::{ACCOUNT}:user/ann"),
    ("iam", "CreateAccessKey", {}, f"arn:aws:iam::{ACCOUNT}:user/ann"),
    ("iam", "UpdateUser", {"UserName": "x", "NewUserName": "secret"}, f"arn:aws:iam::{ACCOUNT}:user/secret"),
    ("iam", "UpdateUser", {"UserName": "ann", "NewPath": "/ops/"}, f"arn:aws:iam::{ACCOUNT}:user/ops/ann"),
]


class Named:
    """A service of which only the access table counts, and policies of resources by ARN."""

    def __init__(self, name: str, access: AccessTable) -> None:
        self.name = name
        self.access = access
        self.policies: dict[str, str] = {}

    def resource_policy(self, arn: str) -> str | None:
        return self.policies.get(arn)


class Door:
    """Ann calls, with whatever policy she has."""

    def __init__(self, iam: IdentityHouse) -> None:
        self.iam = iam
        self.ann = iam.user()
        tables: dict[str, AccessTable] = {
            "apigateway": apigateway.ACCESS,
            "apigatewayv2": apigatewayv2.ACCESS,
            "dynamodb": dynamodb.ACCESS,
            "events": events.ACCESS,
            "iam": access_table(iam.directory),
            "lambda": lambda_.ACCESS,
            "logs": logs.ACCESS,
            "s3": s3.ACCESS,
            "scheduler": scheduler.ACCESS,
            "sqs": sqs.ACCESS,
        }
        self.services = {name: Named(name, table) for name, table in tables.items()}
        authority = Authority(iam.directory, account=ACCOUNT, clock=iam.clock)
        self.authoriser = Authoriser(authority, list(self.services.values()))

    def policy(self, *statements: dict[str, Any]) -> None:
        given = [{"Effect": "Allow", "Resource": "*", **each} for each in statements]
        document = {"Version": "2012-10-17", "Statement": given}
        self.iam.call("PutUserPolicy", UserName="ann", PolicyName="p", PolicyDocument=json.dumps(document))

    def may(self, service: str, operation: str, params: dict[str, Any], caller: Principal | None = None) -> bool:
        call = Call(
            service=service,
            operation=operation,
            params=params,
            region="us-east-1",
            account=ACCOUNT,
            principal=caller or self.ann,
            request_id="r",
            source_ip="",
        )
        try:
            self.iam.run(self.authoriser.check(call))
        except AccessDeniedException:
            return False
        return True


@pytest.fixture
def door(tmp_path: Path, empty_store: Path) -> Iterator[Door]:
    shutil.copy(empty_store, tmp_path / "stoker.db")
    house = IdentityHouse(tmp_path)
    yield Door(house)
    house.close()


@pytest.mark.parametrize(("service", "operation", "params", "denied"), OTHER_NAMES)
def test_no_other_way_to_write_it_leads_around_a_deny(
    door: Door, service: str, operation: str, params: dict[str, Any], denied: str
) -> None:
    door.policy({"Action": "*"})
    assert door.may(service, operation, params)
    door.policy({"Action": "*"}, {"Effect": "Deny", "Action": "*", "Resource": denied.replace("*:", "arn:aws:s3:::")})
    assert not door.may(service, operation, params)


@pytest.mark.parametrize("source", ["secret/a", "/secret/a", "secret%2Fa", "secret/a?versionId=1"])
def test_what_is_copied_is_read_by_the_policy_of_its_own_bucket(door: Door, source: str) -> None:
    copy = {"Bucket": "mine", "Key": "k", "CopySource": source}
    door.policy({"Action": "s3:*"})
    assert door.may("s3", "CopyObject", copy)
    denies = policy("s3:GetObject*", "arn:aws:s3:::secret/*", "Deny", Principal={"AWS": door.ann.arn})
    door.services["s3"].policies["arn:aws:s3:::secret/a"] = denies
    assert not door.may("s3", "CopyObject", copy)


def test_whoever_may_start_a_move_may_not_write_where_he_may_not_send(door: Door) -> None:
    dead, other = (f"arn:aws:sqs:{HERE}:{name}" for name in ("dead", "other"))
    door.policy({"Action": "sqs:*", "Resource": dead})
    assert door.may("sqs", "StartMessageMoveTask", {"SourceArn": dead})
    assert not door.may("sqs", "StartMessageMoveTask", {"SourceArn": dead, "DestinationArn": other})
    door.policy({"Action": "sqs:StartMessageMoveTask"})
    assert not door.may("sqs", "StartMessageMoveTask", {"SourceArn": dead})


@pytest.mark.parametrize(
    ("service", "operation", "params"),
    [
        ("lambda", "CreateFunction", {"FunctionName": "f", "Role": "{}"}),
        ("lambda", "UpdateFunctionConfiguration", {"FunctionName": "f", "Role": "{}"}),
        ("events", "PutRule", {"Name": "r", "RoleArn": "{}"}),
        ("events", "PutTargets", {"Rule": "r", "Targets": [{"Id": "1", "Arn": "x"}, {"Id": "2", "RoleArn": "{}"}]}),
        ("apigateway", "PutIntegration", {"restApiId": "a", "credentials": "{}"}),
        ("apigateway", "UpdateIntegration", {"patchOperations": [{"path": "/credentials", "value": "{}"}]}),
        ("apigateway", "UpdateIntegration", {"patchOperations": [{"path": "credentials", "value": "{}"}]}),
        ("apigateway", "UpdateAuthorizer", {"patchOperations": [{"path": "authorizerCredentials", "value": "{}"}]}),
        ("apigatewayv2", "UpdateIntegration", {"ApiId": "a", "CredentialsArn": "{}"}),
        ("apigatewayv2", "CreateAuthorizer", {"ApiId": "a", "AuthorizerCredentialsArn": "{}"}),
        ("scheduler", "CreateSchedule", {"Name": "s", "Target": {"RoleArn": "{}"}}),
        ("scheduler", "UpdateSchedule", {"Name": "s", "Target": {"RoleArn": "{}"}}),
    ],
)
def test_a_role_that_may_not_be_passed_goes_nowhere(
    door: Door, service: str, operation: str, params: dict[str, Any]
) -> None:
    """Neither another role, nor one to another service, nor the same under another path."""
    mine = f"arn:aws:iam::{ACCOUNT}:role/mine"

    def given(role: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(json.dumps(params).replace("{}", role))
        return found

    vendor = service.removesuffix("v2")
    to = {"StringEquals": {"iam:PassedToService": f"{vendor}.amazonaws.com"}}
    door.policy({"Action": f"{vendor}:*"}, {"Action": "iam:PassRole", "Resource": mine, "Condition": to})
    assert door.may(service, operation, given(mine))
    for role in ("admin", "path/mine", "mine/../admin", "MINE"):
        assert not door.may(service, operation, given(f"arn:aws:iam::{ACCOUNT}:role/{role}"))
    to = {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    door.policy({"Action": f"{vendor}:*"}, {"Action": "iam:PassRole", "Resource": mine, "Condition": to})
    assert not door.may(service, operation, given(mine))


def test_names_that_hold_wildcards_and_variables_are_only_text(door: Door) -> None:
    door.policy({"Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/${aws:username}/*"})
    assert door.may("s3", "GetObject", {"Bucket": "b", "Key": "ann/x"})
    for key in ("*/x", "?nn/x", "${aws:username}/x", "ann", "bob/../ann/x", "Ann/x", "ann%2Fx"):
        assert not door.may("s3", "GetObject", {"Bucket": "b", "Key": key})


def test_a_tag_that_a_session_gives_itself_is_only_text(door: Door) -> None:
    role = door.iam.role("worker")
    document = policy("s3:GetObject", "arn:aws:s3:::b/${aws:PrincipalTag/team}/*")
    door.iam.call("PutRolePolicy", RoleName="worker", PolicyName="p", PolicyDocument=document)

    def reads(team: str, key: str) -> bool:
        session = Session(issuer_arn=role.arn, issuer_id=role.id, tags={"team": team})
        arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/s"
        who = Principal(account=ACCOUNT, arn=arn, user_id=f"{role.id}:s", access_key=f"ASIA{team}", session=session)
        return door.may("s3", "GetObject", {"Bucket": "b", "Key": key}, who)

    assert reads("red", "red/x")
    assert not reads("red", "blue/x")
    assert not reads("*", "blue/x")
    assert not reads("", "x")
    assert reads("*", "*/x")


def test_an_administrator_of_bounded_roles_gives_nobody_more(door: Door) -> None:
    """The pattern that AWS documents for handing out the making of roles."""
    bound = door.iam.call("CreatePolicy", PolicyName="bound", PolicyDocument=policy("s3:*"))["Policy"]["Arn"]
    bounded = {"StringEquals": {"iam:PermissionsBoundary": bound}}
    given = ["iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:PutRolePermissionsBoundary"]
    door.policy({"Action": given, "Condition": bounded})
    assert door.may("iam", "CreateRole", {"RoleName": "r", "PermissionsBoundary": bound})
    for boundary in ({}, {"PermissionsBoundary": f"{bound}2"}):
        assert not door.may("iam", "CreateRole", {"RoleName": "r", **boundary})
    door.iam.role("free")
    door.iam.role("bounded", PermissionsBoundary=bound)
    assert not door.may("iam", "PutRolePolicy", {"RoleName": "free", "PolicyName": "p"})
    assert door.may("iam", "PutRolePolicy", {"RoleName": "bounded", "PolicyName": "p"})
    assert not door.may("iam", "DeleteRolePermissionsBoundary", {"RoleName": "bounded"})


@pytest.mark.parametrize(
    ("service", "operation", "params", "condition"),
    [
        ("dynamodb", "GetItem", {"TableName": "t"}, {"ForAnyValue:StringEquals": {"dynamodb:LeadingKeys": ["secret"]}}),
        ("s3", "GetObject", {"Bucket": "b", "Key": "k"}, {"StringEquals": {"s3:ExistingObjectTag/level": "secret"}}),
        ("sqs", "ListQueues", {}, {"StringLike": {"aws:UserAgent": "Bad*"}}),
    ],
)
def test_a_deny_that_cannot_be_held_to_is_not_passed_by(
    door: Door, service: str, operation: str, params: dict[str, Any], condition: dict[str, Any]
) -> None:
    door.policy({"Action": "*"}, {"Effect": "Deny", "Action": "*", "Condition": condition})
    with pytest.raises(NotBuiltError, match="not there yet"):
        door.may(service, operation, params)


@pytest.mark.parametrize(
    ("service", "operation", "good", "bad", "condition"),
    [
        (
            "s3",
            "PutObject",
            {"Bucket": "b", "Key": "k", "Tagging": "level=public&x=y"},
            {"Bucket": "b", "Key": "k", "Tagging": "x=y&level=secret"},
            {"StringEquals": {"s3:RequestObjectTag/level": "public"}},
        ),
        (
            "s3",
            "PutObjectTagging",
            {"Bucket": "b", "Key": "k", "Tagging": {"TagSet": [{"Key": "a", "Value": "1"}]}},
            {
                "Bucket": "b",
                "Key": "k",
                "Tagging": {"TagSet": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]},
            },
            {"ForAllValues:StringEquals": {"s3:RequestObjectTagKeys": ["a"]}},
        ),
        (
            "events",
            "PutEvents",
            {"Entries": [{"Source": "mine"}, {"Source": "mine"}]},
            {"Entries": [{"Source": "mine"}, {"Source": "aws.s3"}]},
            {"ForAllValues:StringEquals": {"events:source": ["mine"]}},
        ),
        (
            "events",
            "PutTargets",
            {"Rule": "r", "Targets": [{"Arn": QUEUE}]},
            {"Rule": "r", "Targets": [{"Arn": QUEUE}, {"Arn": f"{QUEUE}2"}]},
            {"ForAllValues:ArnEquals": {"events:TargetArn": [QUEUE]}},
        ),
    ],
)
def test_what_a_call_says_can_be_asked_for(
    door: Door, service: str, operation: str, good: dict[str, Any], bad: dict[str, Any], condition: dict[str, Any]
) -> None:
    door.policy({"Action": f"{service}:*", "Condition": condition})
    assert door.may(service, operation, good)
    assert not door.may(service, operation, bad)


def test_sessions_that_were_made_before_are_revoked_by_their_time(door: Door) -> None:
    """What the console's button writes into a role."""
    role = door.iam.role("worker")
    revoked = {"DateLessThan": {"aws:TokenIssueTime": "2026-06-01T00:00:00Z"}}
    document = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "*", "Resource": "*"},
                {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": revoked},
            ],
        }
    )
    door.iam.call("PutRolePolicy", RoleName="worker", PolicyName="p", PolicyDocument=document)
    for issued, allowed in ((1_780_000_000.0, False), (1_790_000_000.0, True)):
        session = Session(issuer_arn=role.arn, issuer_id=role.id, issued=issued)
        arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/s"
        who = Principal(account=ACCOUNT, arn=arn, user_id=f"{role.id}:s", access_key="ASIA", session=session)
        assert door.may("s3", "ListBuckets", {}, who) is allowed
    assert door.may("s3", "ListBuckets", {}) is False
    door.policy(
        {"Action": "s3:*"},
        {"Effect": "Deny", "Action": "*", "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}},
    )
    assert not door.may("s3", "ListBuckets", {})
