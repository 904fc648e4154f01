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
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from fakes.command_line import stoker
from fakes.deployment import Deployment
from fakes.live_server import SECRET_KEY, LiveServer
from fakes.s3 import fetch
from fakes.waiting import eventually

pytestmark = pytest.mark.root

ACCOUNT = "000000000000"
BASIC_EXECUTION = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


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


def test_what_is_not_built_says_so(live_server: LiveServer, iam: Any) -> None:
    sts = live_server.client("sts")
    federated = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/r", "PrincipalArn": f"arn:aws:iam::{ACCOUNT}:saml-provider/p"}
    for call, params in [
        (sts.assume_role_with_saml, {**federated, "SAMLAssertion": "abcd"}),
        (sts.get_federation_token, {"Name": "work"}),
        (sts.get_session_token, {"SerialNumber": f"arn:aws:iam::{ACCOUNT}:mfa/device", "TokenCode": "123456"}),
        (iam.create_service_linked_role, {"AWSServiceName": "lambda.amazonaws.com"}),
        (iam.create_login_profile, {"UserName": "ann", "Password": "password"}),
        (iam.create_instance_profile, {"InstanceProfileName": "p"}),
    ]:
        code, status, message = code_of(call, **params)
        assert (code, status) == ("NotImplemented", 501) and "not there yet" in message


def test_a_token_needs_no_signature_and_a_provider_that_is_known(live_server: LiveServer, iam: Any) -> None:
    assume = live_server.client("sts").assume_role_with_web_identity
    asked = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/r", "RoleSessionName": "work"}
    assert code_of(assume, WebIdentityToken="not a token", **asked)[:2] == ("InvalidIdentityToken", 400)
    token = jwt.encode({"alg": "HS256"}, {"iss": "https://id.example.com"}, OctKey.import_key("x" * 32))
    assert code_of(assume, WebIdentityToken=token, **asked)[2] == "The token's algorithm is not supported."
    key = ECKey.generate_key("P-256", {"kid": "k"})
    token = jwt.encode({"alg": "ES256", "kid": "k"}, {"iss": "https://id.example.com", "aud": "a", "sub": "s"}, key)
    code, status, message = code_of(assume, WebIdentityToken=token, **asked)
    assert (code, status) == ("InvalidIdentityToken", 400)
    assert message == "No OpenIDConnect provider found in your account for https://id.example.com"
    # This machine itself is not asked for keys, unless the operator lets it.
    arn = iam.create_open_id_connect_provider(Url="https://localhost:1", ClientIDList=["a"])["OpenIDConnectProviderArn"]
    token = jwt.encode({"alg": "ES256", "kid": "k"}, {"iss": "https://localhost:1", "aud": "a", "sub": "s"}, key)
    assert code_of(assume, WebIdentityToken=token, **asked)[:2] == ("IDPCommunicationError", 400)
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)


@pytest.mark.parametrize("action", ["GetCallerIdentity", "AssumeRole", "Nonsense", ""])
def test_nobody_gets_anything_else_without_a_signature(live_server: LiveServer, action: str) -> None:
    form = f"Action={action}&Version=2011-06-15&RoleArn=arn:aws:iam::{ACCOUNT}:role/r&RoleSessionName=s".encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    status, _, body = fetch(f"{live_server.endpoint}/", "POST", form, headers)
    assert status == 403 and b"<Code>MissingAuthenticationToken</Code>" in body


EVERYTHING = """
iam get-user --user-name {n}
iam list-users --path-prefix /read/
iam list-user-tags --user-name {n}
iam list-groups-for-user --user-name {n}
iam list-access-keys --user-name {n}
iam get-user-policy --user-name {n} --policy-name inline
iam list-attached-user-policies --user-name {n}
iam list-mfa-devices --user-name {n}
iam list-virtual-mfa-devices
iam get-group --group-name {n}
iam list-group-policies --group-name {n}
iam list-attached-group-policies --group-name {n}
iam get-role --role-name {n}
iam list-role-policies --role-name {n}
iam get-role-policy --role-name {n} --policy-name inline
iam list-attached-role-policies --role-name {n}
iam list-role-tags --role-name {n}
iam list-instance-profiles-for-role --role-name {n}
iam get-policy --policy-arn {p}
iam get-policy-version --policy-arn {p} --version-id v1
iam list-policy-versions --policy-arn {p}
iam list-entities-for-policy --policy-arn {p}
iam list-policies --scope Local --path-prefix /read/
iam list-open-id-connect-providers
iam get-account-summary
iam get-account-authorization-details --filter User Group Role LocalManagedPolicy
iam get-context-keys-for-principal-policy --policy-source-arn {u}
iam simulate-principal-policy --policy-source-arn {u} --action-names s3:GetObject sqs:SendMessage
iam generate-credential-report
iam get-credential-report
sts get-caller-identity
sts get-session-token
sts get-access-key-info --access-key-id {k}
sts assume-role --role-arn {r} --role-session-name cli
iam create-role --role-name cli-{n} --assume-role-policy-document file://{f}
iam get-role --role-name cli-{n}
iam delete-role --role-name cli-{n}
"""
# The CLI's own entry point, as often as there are commands: to start it takes a second.
RUN_ALL = """
import contextlib, io, json, sys
from awscli.clidriver import create_clidriver
answers = []
for line in sys.stdin.read().split("\\n"):
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        status = create_clidriver().main(line.split())
    answers.append([line, status, said.getvalue()])
print(json.dumps(answers))
"""


def test_the_aws_cli_makes_and_reads_everything(
    live_server: LiveServer, iam: Any, user: dict[str, str], name: str, tmp_path: Path
) -> None:
    (tmp_path / "trust.json").write_text(a_trust({"Service": "lambda.amazonaws.com"}))
    iam.update_user(UserName=name, NewPath="/read/")
    iam.tag_user(UserName=name, Tags=[{"Key": "team", "Value": "a"}])
    iam.put_user_policy(UserName=name, PolicyName="inline", PolicyDocument=a_policy())
    policy = iam.create_policy(PolicyName=name, Path="/read/", PolicyDocument=a_policy())["Policy"]["Arn"]
    iam.create_group(GroupName=name)
    iam.add_user_to_group(GroupName=name, UserName=name)
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=a_trust({"AWS": ACCOUNT}))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=a_policy())
    for kind, attach in (("User", iam.attach_user_policy), ("Group", iam.attach_group_policy)):
        attach(**{f"{kind}Name": name, "PolicyArn": policy})
    iam.attach_role_policy(RoleName=name, PolicyArn=policy)
    arn = f"arn:aws:iam::{ACCOUNT}:user/read/{name}"
    commands = EVERYTHING.strip().format(
        n=name, p=policy, u=arn, r=role, k=user["AccessKeyId"], f=tmp_path / "trust.json"
    )
    env = {**live_server.env, "AWS_PAGER": "", "AWS_DEFAULT_OUTPUT": "json"}
    done = subprocess.run([sys.executable, "-c", RUN_ALL], env=env, input=commands, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answers = {line: json.loads(said or "null") for line, status, said in json.loads(done.stdout) if status == 0}
    assert list(answers) == commands.split("\n"), done.stderr
    told = list(answers.values())
    assert told[0]["User"]["Arn"] == arn and [each["UserName"] for each in told[1]["Users"]] == [name]
    assert told[5]["PolicyDocument"] == json.loads(a_policy())
    assert [each["UserName"] for each in told[9]["Users"]] == [name]
    held = told[21]
    assert (len(held["PolicyUsers"]), len(held["PolicyGroups"]), len(held["PolicyRoles"])) == (1, 1, 1)
    decisions = {each["EvalActionName"]: each["EvalDecision"] for each in told[27]["EvaluationResults"]}
    assert decisions == {"s3:GetObject": "allowed", "sqs:SendMessage": "implicitDeny"}
    document = told[-2]["Role"]["AssumeRolePolicyDocument"]
    assert document["Statement"][0]["Principal"] == {"Service": "lambda.amazonaws.com"}


def test_a_role_tells_when_it_was_last_used(live_server: LiveServer, iam: Any, name: str) -> None:
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=a_trust({"AWS": ACCOUNT}))["Role"]["Arn"]
    assert iam.get_role(RoleName=name)["Role"]["RoleLastUsed"] == {}
    made = live_server.client("sts").assume_role(RoleArn=role, RoleSessionName="work")["Credentials"]
    session = live_server.client(
        "sts",
        access_key=made["AccessKeyId"],
        secret_key=made["SecretAccessKey"],
        aws_session_token=made["SessionToken"],
    )
    session.get_caller_identity()
    assert iam.get_role(RoleName=name)["Role"]["RoleLastUsed"]["Region"] == "us-east-1"


def test_the_credential_report_has_every_key_and_no_secret(iam: Any, user: dict[str, str]) -> None:
    # Another test may have had it made, up to four hours ago.
    assert iam.generate_credential_report()["State"] in ("STARTED", "COMPLETE")
    report = iam.get_credential_report()
    lines = report["Content"].decode().splitlines()
    assert report["ReportFormat"] == "text/csv" and lines[0].startswith("user,arn,user_creation_time,password_enabled")
    assert lines[1].startswith(f"<root_account>,arn:aws:iam::{ACCOUNT}:root,")
    assert len({line.count(",") for line in lines}) == 1
    assert user["SecretAccessKey"] not in report["Content"].decode()


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
    managed = ("--policy", "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess")
    made = json.loads(stoker(live_server.env, "credentials", "create", name, *managed, "--json").stdout)
    keys = {"access_key": made["AWS_ACCESS_KEY_ID"], "secret_key": made["AWS_SECRET_ACCESS_KEY"]}
    queues = live_server.client("sqs", **keys)
    assert "ResponseMetadata" in queues.list_queues()
    assert code_of(queues.create_queue, QueueName=name)[:2] == ("AccessDenied", 403)
    stoker(live_server.env, "credentials", "delete", name)
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


def test_no_secret_is_in_a_file_a_log_or_an_error(
    live_server: LiveServer, iam: Any, user: dict[str, str], name: str
) -> None:
    """The log is among the files of the data directory, as are the audit log and what is kept of functions."""
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=a_trust({"AWS": ACCOUNT}))["Role"]["Arn"]
    made = live_server.client("sts").assume_role(RoleArn=role, RoleSessionName="work")["Credentials"]
    inside = Deployment(live_server.client("lambda"))
    function = inside.deploy("import os\ndef handler(event, context):\n    return dict(os.environ)\n")
    held = inside.invoke(function).value
    secrets = [
        user["SecretAccessKey"],
        made["SecretAccessKey"],
        made["SessionToken"],
        held["AWS_SECRET_ACCESS_KEY"],
        held["AWS_SESSION_TOKEN"],
        (live_server.data / "platform.key").read_text().strip(),
    ]
    session = {"access_key": made["AccessKeyId"], "aws_session_token": made["SessionToken"]}
    told = [
        code_of(live_server.client("iam", secret_key=made["SecretAccessKey"], **session).get_user)[2],
        code_of(live_server.client("sts", secret_key="wrong", **session).get_caller_identity)[2],
        code_of(live_server.client("sts", access_key=user["AccessKeyId"], secret_key="wrong").get_caller_identity)[2],
    ]
    assert not [text for text in told for secret in secrets if secret in text]
    contents = {path: content for path, content in live_server.files() if path.name != "platform.key"}
    assert live_server.data / "stoker.log" in contents
    assert not [path for path, content in contents.items() for each in secrets if each.encode() in content]
    holding_the_root_key = [path.name for path, content in contents.items() if SECRET_KEY.encode() in content]
    assert holding_the_root_key == ["credentials"]


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
    kept = dict(own_server.files())
    assert kept and not [path for path, content in kept.items() if secret in content]
    assert json.loads(stoker(own_server.env, "audit", "--json", "--name", "PutUserPolicy").stdout)
