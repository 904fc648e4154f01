"""IAM and STS as unmodified clients use them: boto3, the AWS CLI, signatures with users' keys."""

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fakes.command_line import stoker
from fakes.live_server import LiveServer
from fakes.waiting import eventually

pytestmark = pytest.mark.root

ACCOUNT = "000000000000"
BASIC_EXECUTION = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
AWS = Path(sys.executable).with_name("aws")


def a_policy(action: str = "s3:GetObject", resource: str = "*") -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def a_trust(principal: dict[str, str]) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def code_of(call: Any, **params: Any) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as refused:
        call(**params)
    answer = refused.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Message"]


@pytest.fixture
def iam(live_server: LiveServer) -> Any:
    return live_server.client("iam")


@pytest.fixture
def name() -> str:
    return f"it-{uuid.uuid4().hex[:10]}"


@pytest.fixture
def user(iam: Any, name: str) -> Iterator[dict[str, str]]:
    iam.create_user(UserName=name)
    yield {"UserName": name, **iam.create_access_key(UserName=name)["AccessKey"]}


def test_a_user_reads_back_as_it_was_made_and_goes_when_it_is_empty(iam: Any, name: str) -> None:
    made = iam.create_user(UserName=name, Path="/ops/", Tags=[{"Key": "team", "Value": "a"}])["User"]
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/ops/{name}" and made["UserId"].startswith("AIDA")
    assert iam.get_user(UserName=name)["User"] == made
    assert name in [user["UserName"] for user in iam.list_users(PathPrefix="/ops/")["Users"]]
    assert code_of(iam.create_user, UserName=name.upper())[:2] == ("EntityAlreadyExists", 409)
    iam.put_user_policy(UserName=name, PolicyName="inline", PolicyDocument=a_policy())
    assert iam.get_user_policy(UserName=name, PolicyName="inline")["PolicyDocument"] == json.loads(a_policy())
    assert code_of(iam.delete_user, UserName=name) == (
        "DeleteConflict",
        409,
        "Cannot delete entity, must delete policies first.",
    )
    iam.delete_user_policy(UserName=name, PolicyName="inline")
    iam.untag_user(UserName=name, TagKeys=["TEAM"])
    assert iam.list_user_tags(UserName=name)["Tags"] == []
    iam.delete_user(UserName=name)
    assert code_of(iam.get_user, UserName=name) == (
        "NoSuchEntity",
        404,
        f"The user with name {name} cannot be found.",
    )


def test_groups_have_members_and_policies(iam: Any, user: dict[str, str], name: str) -> None:
    iam.create_group(GroupName=name)
    iam.add_user_to_group(GroupName=name, UserName=name)
    assert [each["UserName"] for each in iam.get_group(GroupName=name)["Users"]] == [name]
    assert [each["GroupName"] for each in iam.list_groups_for_user(UserName=name)["Groups"]] == [name]
    iam.attach_group_policy(GroupName=name, PolicyArn=BASIC_EXECUTION)
    assert code_of(iam.delete_group, GroupName=name)[0] == "DeleteConflict"
    iam.remove_user_from_group(GroupName=name, UserName=name)
    iam.detach_group_policy(GroupName=name, PolicyArn=BASIC_EXECUTION)
    iam.delete_group(GroupName=name)


def test_a_role_reads_back_with_its_trust_policy(iam: Any, name: str) -> None:
    trusted = a_trust({"Service": "lambda.amazonaws.com"})
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusted, Description="d", MaxSessionDuration=7200)
    assert made["Role"]["AssumeRolePolicyDocument"] == json.loads(trusted)
    iam.attach_role_policy(RoleName=name, PolicyArn=BASIC_EXECUTION)
    iam.update_role(RoleName=name, MaxSessionDuration=3600)
    role = iam.get_role(RoleName=name)["Role"]
    assert (role["Description"], role["MaxSessionDuration"]) == ("d", 3600)
    assert [each["PolicyArn"] for each in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]] == [
        BASIC_EXECUTION
    ]
    assert iam.list_instance_profiles_for_role(RoleName=name)["InstanceProfiles"] == []
    holders = iam.get_paginator("list_entities_for_policy").paginate(PolicyArn=BASIC_EXECUTION)
    assert name in [each["RoleName"] for page in holders for each in page["PolicyRoles"]]
    assert code_of(iam.delete_role, RoleName=name)[0] == "DeleteConflict"
    iam.detach_role_policy(RoleName=name, PolicyArn=BASIC_EXECUTION)
    iam.delete_role(RoleName=name)
    assert iam.get_waiter("role_exists")


def test_a_managed_policy_has_five_versions_at_most(iam: Any, name: str) -> None:
    arn = iam.create_policy(PolicyName=name, PolicyDocument=a_policy())["Policy"]["Arn"]
    for number in range(2, 6):
        version = iam.create_policy_version(PolicyArn=arn, PolicyDocument=a_policy(f"s3:Get{number}"))
        assert version["PolicyVersion"]["VersionId"] == f"v{number}"
    assert code_of(iam.create_policy_version, PolicyArn=arn, PolicyDocument=a_policy())[0] == "LimitExceeded"
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v3")
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v3"
    assert code_of(iam.delete_policy_version, PolicyArn=arn, VersionId="v3")[0] == "DeleteConflict"
    shown = iam.get_policy_version(PolicyArn=arn, VersionId="v5")["PolicyVersion"]["Document"]
    assert shown["Statement"][0]["Action"] == "s3:Get5"
    assert [each["VersionId"] for each in iam.list_policy_versions(PolicyArn=arn)["Versions"]] == [
        "v5",
        "v4",
        "v3",
        "v2",
        "v1",
    ]
    for number in (1, 2, 4, 5):
        iam.delete_policy_version(PolicyArn=arn, VersionId=f"v{number}")
    iam.delete_policy(PolicyArn=arn)


def test_lists_come_in_pages(iam: Any, name: str) -> None:
    for number in range(5):
        iam.create_role(
            RoleName=f"{name}-{number}", Path=f"/{name}/", AssumeRolePolicyDocument=a_trust({"AWS": ACCOUNT})
        )
    pages = list(iam.get_paginator("list_roles").paginate(PathPrefix=f"/{name}/", PaginationConfig={"PageSize": 2}))
    assert [[role["RoleName"][-1] for role in page["Roles"]] for page in pages] == [["0", "1"], ["2", "3"], ["4"]]
    assert code_of(iam.list_roles, Marker="nonsense!")[0] == "ValidationError"


def test_aws_s_own_policies_are_there_and_cannot_be_changed(iam: Any) -> None:
    listed = {each["PolicyName"] for page in iam.get_paginator("list_policies").paginate() for each in page["Policies"]}
    assert {"AdministratorAccess", "AWSLambdaBasicExecutionRole", "AmazonS3ReadOnlyAccess"} <= listed
    assert code_of(iam.create_policy_version, PolicyArn=BASIC_EXECUTION, PolicyDocument=a_policy())[:2] == (
        "AccessDenied",
        403,
    )


@pytest.mark.parametrize("document", ["{", "[]", '{"Version": "2012-10-17"}', a_policy("not an action")])
def test_a_malformed_policy_is_refused(iam: Any, name: str, document: str) -> None:
    code, status, message = code_of(iam.create_policy, PolicyName=name, PolicyDocument=document)
    assert (code, status) == ("MalformedPolicyDocument", 400) and message


def test_a_policy_that_is_too_large_is_refused(iam: Any, name: str) -> None:
    large = a_policy(resource=f"arn:aws:s3:::{'x' * 6200}")
    assert code_of(iam.create_policy, PolicyName=name, PolicyDocument=large)[::2] == (
        "LimitExceeded",
        "Cannot exceed quota for PolicySize: 6144",
    )


def test_a_user_signs_with_its_own_key_until_that_is_inactive(
    live_server: LiveServer, iam: Any, user: dict[str, str]
) -> None:
    keys = {"access_key": user["AccessKeyId"], "secret_key": user["SecretAccessKey"]}
    sts = live_server.client("sts", **keys)
    assert sts.get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/{user['UserName']}"
    used = iam.get_access_key_last_used(AccessKeyId=user["AccessKeyId"])
    assert (used["UserName"], used["AccessKeyLastUsed"]["ServiceName"]) == (user["UserName"], "sts")
    iam.update_access_key(UserName=user["UserName"], AccessKeyId=user["AccessKeyId"], Status="Inactive")
    assert code_of(sts.get_caller_identity)[:2] == ("InvalidClientTokenId", 403)
    assert [each["Status"] for each in iam.list_access_keys(UserName=user["UserName"])["AccessKeyMetadata"]] == [
        "Inactive"
    ]


def test_a_session_may_what_its_role_may_and_ends_with_it(
    live_server: LiveServer, iam: Any, user: dict[str, str], name: str
) -> None:
    keys = {"access_key": user["AccessKeyId"], "secret_key": user["SecretAccessKey"]}
    arn = f"arn:aws:iam::{ACCOUNT}:user/{name}"
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=a_trust({"AWS": arn}))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=a_policy("iam:GetRole"))
    sts = live_server.client("sts", **keys)
    made = sts.assume_role(RoleArn=role, RoleSessionName="work")["Credentials"]
    held = {
        "access_key": made["AccessKeyId"],
        "secret_key": made["SecretAccessKey"],
        "aws_session_token": made["SessionToken"],
    }
    session = live_server.client("iam", **held)
    assert session.get_role(RoleName=name)["Role"]["RoleName"] == name
    code, status, message = code_of(session.list_users)
    assert (code, status) == ("AccessDenied", 403)
    assert message.startswith(
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/{name}/work is not authorized to perform: iam:ListUsers"
    )
    iam.delete_role_policy(RoleName=name, PolicyName="p")
    iam.delete_role(RoleName=name)
    assert code_of(session.get_role, RoleName=name)[0] == "InvalidClientTokenId"


def test_forged_and_foreign_tokens_are_refused(live_server: LiveServer, iam: Any, name: str) -> None:
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=a_trust({"AWS": ACCOUNT}))["Role"]["Arn"]
    made = live_server.client("sts").assume_role(RoleArn=role, RoleSessionName="work")["Credentials"]
    sealed, _, seal = made["SessionToken"].partition(".")
    for token in (f"{sealed}x.{seal}", f"{sealed}.{seal[::-1]}", "FwoGZXIvYXdzEBYaD", made["SessionToken"] + "x"):
        client = live_server.client(
            "sts",
            access_key=made["AccessKeyId"],
            secret_key=made["SecretAccessKey"],
            aws_session_token=token,
        )
        assert code_of(client.get_caller_identity)[:2] == ("InvalidClientTokenId", 403)


def test_what_is_not_built_says_so(live_server: LiveServer) -> None:
    sts = live_server.client("sts")
    refused = code_of(
        sts.assume_role_with_web_identity,
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/r",
        RoleSessionName="work",
        WebIdentityToken="token",
    )
    assert refused[0] in ("MissingAuthenticationToken", "NotImplemented")


def aws(server: LiveServer, *arguments: str) -> Any:
    done = subprocess.run([AWS, *arguments], env=server.env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout.strip() else None


def test_the_aws_cli_makes_and_reads_a_role(live_server: LiveServer, name: str, tmp_path: Path) -> None:
    (tmp_path / "trust.json").write_text(a_trust({"Service": "lambda.amazonaws.com"}))
    document = f"file://{tmp_path / 'trust.json'}"
    aws(live_server, "iam", "create-role", "--role-name", name, "--assume-role-policy-document", document)
    role = aws(live_server, "iam", "get-role", "--role-name", name)["Role"]
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Service": "lambda.amazonaws.com"}
    aws(live_server, "iam", "delete-role", "--role-name", name)
    assert aws(live_server, "sts", "get-caller-identity")["Arn"].endswith(":root")


def test_the_command_makes_a_key_that_opens_what_its_policy_says(
    live_server: LiveServer, name: str, tmp_path: Path
) -> None:
    (tmp_path / "policy.json").write_text(a_policy("lambda:ListFunctions"))
    made = json.loads(
        stoker(live_server.env, "credentials", "create", name, "--policy", tmp_path / "policy.json", "--json").stdout
    )
    keys = {"access_key": made["AWS_ACCESS_KEY_ID"], "secret_key": made["AWS_SECRET_ACCESS_KEY"]}
    functions = live_server.client("lambda", **keys)
    assert "Functions" in functions.list_functions()
    assert code_of(functions.get_account_settings)[:2] == ("AccessDeniedException", 403)
    assert name in stoker(live_server.env, "credentials", "list").stdout
    stoker(live_server.env, "credentials", "delete", name)
    assert code_of(functions.list_functions)[:2] == ("UnrecognizedClientException", 403)
    stoker(live_server.env, "credentials", "create", name, "--policy", "absent.json", status=1)
    assert name not in stoker(live_server.env, "credentials", "list").stdout


def test_the_audit_log_has_changes_and_refusals_and_no_secrets(
    live_server: LiveServer, iam: Any, user: dict[str, str]
) -> None:
    stranger = live_server.client("lambda", access_key=user["AccessKeyId"], secret_key=user["SecretAccessKey"])
    assert code_of(stranger.list_functions)[0] == "AccessDeniedException"

    def records() -> Any:
        return json.loads(stoker(live_server.env, "audit", "--json", "--limit", "1000").stdout)

    found = eventually(lambda: [r for r in records() if r.get("userIdentity", {}).get("type") == "IAMUser"], "a record")
    assert found[0]["eventName"] == "ListFunctions" and found[0]["errorCode"] == "AccessDeniedException"
    created = [r for r in records() if r.get("eventName") == "CreateAccessKey"]
    assert user["UserName"] in [r["requestParameters"]["userName"] for r in created]
    assert user["SecretAccessKey"] not in json.dumps(records())


def test_everything_is_there_after_kill_9(own_server: LiveServer, name: str) -> None:
    own_server.start()
    iam = own_server.client("iam")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=a_policy("iam:*"))
    own_server.kill()
    own_server.start()
    client = own_server.client("iam", access_key=key["AccessKeyId"], secret_key=key["SecretAccessKey"])
    assert client.get_user()["User"]["UserName"] == name
    secret = key["SecretAccessKey"].encode()
    kept = [path for path in own_server.data.rglob("*") if path.is_file()]
    assert kept and not [path for path in kept if secret in path.read_bytes()]
    assert json.loads(stoker(own_server.env, "audit", "--json", "--name", "PutUserPolicy").stdout)
