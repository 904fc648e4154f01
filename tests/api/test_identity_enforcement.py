"""Policies are obeyed: a key opens what its policies say, and a function what its role's say."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from fakes.deployment import Deployment
from fakes.live_server import LiveServer
from fakes.s3 import new_bucket
from fakes.waiting import eventually

TRUST: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
HELLO = "def handler(event, context):\n    return 'here'\n"
CALLS = """
import boto3
from botocore.exceptions import ClientError
def one(call):
    try:
        client = boto3.client(call["service"], region_name="us-east-1")
        getattr(client, call["call"])(**call["with"])
        return "done"
    except ClientError as error:
        return error.response["Error"]["Code"]
def handler(event, context):
    return [one(each) for each in event] if isinstance(event, list) else one(event)
"""
# One call of each service, none of which changes anything. Over JSON most of AWS's services refuse with 400.
ONE_EACH = [
    ("lambda", "list_functions", 403),
    ("logs", "describe_log_groups", 400),
    ("sqs", "list_queues", 403),
    ("iam", "list_users", 403),
]


def allow(action: Any, resource: Any = "*", effect: str = "Allow") -> str:
    statement = {"Effect": effect, "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class Person:
    """A user with a key."""

    def __init__(self, server: LiveServer, name: str) -> None:
        self.name = name
        self.iam = server.client("iam")
        self.iam.create_user(UserName=name)
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        self._session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name="us-east-1")
        self._endpoint = f"http://127.0.0.1:{server.port}"

    def put(self, document: str) -> None:
        self.iam.put_user_policy(UserName=self.name, PolicyName="own", PolicyDocument=document)

    def client(self, service: str) -> Any:
        return self._session.client(service, endpoint_url=self._endpoint)

    def leave(self) -> None:
        for policy in self.iam.list_user_policies(UserName=self.name)["PolicyNames"]:
            self.iam.delete_user_policy(UserName=self.name, PolicyName=policy)
        for key in self.iam.list_access_keys(UserName=self.name)["AccessKeyMetadata"]:
            self.iam.delete_access_key(UserName=self.name, AccessKeyId=key["AccessKeyId"])
        self.iam.delete_user(UserName=self.name)


@pytest.fixture
def ann(live_server: LiveServer) -> Iterator[Person]:
    person = Person(live_server, "ann")
    yield person
    person.leave()


def refusal(call: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    return str(caught.value.response["Error"]["Code"])


@pytest.mark.parametrize(("service", "call", "status"), ONE_EACH)
def test_a_user_without_policies_may_do_nothing(ann: Person, service: str, call: str, status: int) -> None:
    with pytest.raises(ClientError, match=f"User: .*user/ann is not authorized to perform: {service}:") as caught:
        getattr(ann.client(service), call)()
    assert caught.value.response["Error"]["Code"].startswith("AccessDenied")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert ann.client("sts").get_caller_identity()["Arn"].endswith(":user/ann")


@pytest.mark.root
def test_a_narrow_policy_opens_its_own_door_at_once_and_no_other(live_server: LiveServer, ann: Person) -> None:
    functions = Deployment(live_server.client("lambda"))
    mine, other = (functions.deploy("def handler(event, context):\n    return 'here'\n") for _ in range(2))
    client = ann.client("lambda")
    assert refusal(client.invoke, FunctionName=mine) == "AccessDeniedException"
    ann.put(allow("lambda:InvokeFunction", f"arn:aws:lambda:*:*:function:{mine}"))
    assert client.invoke(FunctionName=mine)["Payload"].read() == b'"here"'
    for refused, params in [
        (client.invoke, {"FunctionName": other}),
        (client.get_function, {"FunctionName": mine}),
        (client.delete_function, {"FunctionName": mine}),
        (client.list_functions, {}),
    ]:
        assert refusal(refused, **params) == "AccessDeniedException"
    ann.put(allow("lambda:*", effect="Deny"))
    with pytest.raises(ClientError, match="with an explicit deny in an identity-based policy"):
        client.invoke(FunctionName=mine)


@pytest.mark.root
def test_a_function_s_policy_names_a_user(live_server: LiveServer, ann: Person) -> None:
    functions = Deployment(live_server.client("lambda"))
    name = functions.deploy("def handler(event, context):\n    return 'here'\n")
    arn = ann.client("sts").get_caller_identity()["Arn"]
    grant = {"StatementId": "ann", "Action": "lambda:InvokeFunction", "Principal": arn}
    live_server.client("lambda").add_permission(FunctionName=name, **grant)
    assert ann.client("lambda").invoke(FunctionName=name)["Payload"].read() == b'"here"'
    assert refusal(ann.client("lambda").get_function, FunctionName=name) == "AccessDeniedException"


def test_tags_of_resources_open_and_shut_in_every_service(live_server: LiveServer, ann: Person) -> None:
    """A tag of the resource that a call is about, in each service whose resources have some."""
    make = {name: live_server.client(name) for name in ("sqs", "sns", "events", "scheduler", "logs", "iam", "lambda")}
    red, pair = {"team": "red"}, [{"Key": "team", "Value": "red"}]
    tagged, bare = "tagged-red", "tagged-not"
    for name, tags, pairs in ((tagged, red, pair), (bare, {}, [])):
        make["sqs"].create_queue(QueueName=name, tags=tags)
        make["sns"].create_topic(Name=name, Tags=pairs)
        make["events"].put_rule(Name=name, ScheduleExpression="rate(1 day)", State="DISABLED", Tags=pairs)
        make["scheduler"].create_schedule_group(Name=name, Tags=pairs)
        make["logs"].create_log_group(logGroupName=name, **({"tags": tags} if tags else {}))
        make["iam"].create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST), Tags=pairs)
    ann.put(
        json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Action": "*",
                        "Resource": "*",
                        "Condition": {"StringEquals": {"aws:ResourceTag/team": "red"}},
                    }
                ],
            }
        )
    )
    topic = "arn:aws:sns:us-east-1:000000000000:{}"
    for service, call, member, form in [
        ("sqs", "get_queue_url", "QueueName", "{}"),
        ("sns", "get_topic_attributes", "TopicArn", topic),
        ("events", "describe_rule", "Name", "{}"),
        ("scheduler", "get_schedule_group", "Name", "{}"),
        ("logs", "describe_log_streams", "logGroupName", "{}"),
        ("iam", "get_role", "RoleName", "{}"),
    ]:
        read = getattr(ann.client(service), call)
        assert read(**{member: form.format(tagged)})
        with pytest.raises(ClientError, match="is not authorized to perform"):
            read(**{member: form.format(bare)})


def test_a_role_is_handed_over_by_whom_may_pass_it(ann: Person) -> None:
    ann.put(allow("lambda:CreateFunction"))
    create = {"Runtime": "python3.13", "Handler": "a.b", "Code": {"ZipFile": b"x"}}
    with pytest.raises(ClientError, match=r"is not authorized to perform: iam:PassRole on resource: \S+:role/admin"):
        ann.client("lambda").create_function(
            FunctionName="climber", Role="arn:aws:iam::000000000000:role/admin", **create
        )


def test_a_role_in_a_document_is_handed_over_by_whom_may_pass_it(live_server: LiveServer, ann: Person) -> None:
    """However the document writes it, and also in what is cloned."""
    role = "arn:aws:iam::000000000000:role/of-the-admin"
    function = "arn:aws:lambda:us-east-1:000000000000:function:f"
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations"
    integration = {"type": "aws_proxy", "httpMethod": "POST", "uri": uri}
    method = {"responses": {}, "x-amazon-apigateway-integration": {**integration, "credentials": role}}
    document = {"swagger": "2.0", "info": {"title": "t", "version": "1"}, "paths": {"/a": {"get": method}}}
    plain = json.dumps(document)
    escaped = plain.replace("arn:aws:iam", "\\u0061rn:aws:iam")
    folded = plain.replace("of-the-admin", "of-\\\n  the-admin")
    ann.put(allow("apigateway:*"))
    rest, http = ann.client("apigateway"), ann.client("apigatewayv2")
    refused = "not authorized to perform: iam:PassRole on resource: arn:aws:iam::000000000000:role/of-the-admin"
    for body in (plain, escaped, "---\n" + folded):
        with pytest.raises(ClientError, match=refused):
            rest.import_rest_api(body=body.encode())
        with pytest.raises(ClientError, match=refused):
            http.import_api(Body=body.replace('"swagger": "2.0"', '"openapi": "3.0.1"'))
    made = live_server.client("apigateway").import_rest_api(body=plain.encode())["id"]
    with pytest.raises(ClientError, match=refused):
        rest.create_rest_api(name="clone", cloneFrom=made)
    with pytest.raises(ClientError, match=refused):
        rest.put_rest_api(restApiId=made, body=plain.encode())
    statements = [{"Effect": "Allow", "Action": each, "Resource": "*"} for each in ("apigateway:*", "iam:PassRole")]
    ann.put(json.dumps({"Version": "2012-10-17", "Statement": statements}))
    assert rest.import_rest_api(body=escaped.encode())["id"]


@pytest.mark.root
def test_a_function_whose_role_reads_one_bucket_does_nothing_else(live_server: LiveServer) -> None:
    s3, iam = live_server.client("s3"), live_server.client("iam")
    mine, other = new_bucket(s3), new_bucket(s3)
    for bucket in (mine, other):
        s3.put_object(Bucket=bucket, Key="key", Body=b"content")
    role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    admin = json.dumps({**TRUST, "Statement": [{**TRUST["Statement"][0], "Principal": {"AWS": role}}]})
    iam.create_role(RoleName="its-admin", AssumeRolePolicyDocument=admin)
    reads = allow(["s3:GetObject", "s3:ListBucket"], [f"arn:aws:s3:::{mine}", f"arn:aws:s3:::{mine}/*"])
    iam.put_role_policy(RoleName="reader", PolicyName="own", PolicyDocument=reads)
    functions = Deployment(live_server.client("lambda"))
    neighbour = functions.deploy(HELLO)
    name = functions.deploy(CALLS, Role=role, MemorySize=256, Timeout=30)
    key = {"Bucket": mine, "Key": "key"}
    calls = [
        ("done", "s3", "get_object", key),
        ("done", "s3", "list_objects_v2", {"Bucket": mine}),
        ("AccessDenied", "s3", "put_object", {**key, "Body": "changed"}),
        ("AccessDenied", "s3", "delete_object", key),
        ("AccessDenied", "s3", "copy_object", {**key, "CopySource": f"{mine}/key"}),
        ("AccessDenied", "s3", "get_object", {**key, "Bucket": other}),
        ("AccessDenied", "s3", "list_objects_v2", {"Bucket": other}),
        ("AccessDenied", "s3", "put_bucket_policy", {"Bucket": mine, "Policy": allow("*")}),
        ("AccessDenied", "s3", "list_buckets", {}),
        ("AccessDeniedException", "lambda", "invoke", {"FunctionName": neighbour}),
        ("AccessDeniedException", "lambda", "update_function_configuration", {"FunctionName": name, "Timeout": 60}),
        ("AccessDenied", "iam", "put_role_policy", {"RoleName": "reader", "PolicyName": "p", "PolicyDocument": "{}"}),
        ("AccessDenied", "sts", "get_session_token", {}),
        ("done", "sts", "assume_role", {"RoleArn": f"{role[:-6]}its-admin", "RoleSessionName": "climb"}),
        ("AccessDenied", "sts", "assume_role", {"RoleArn": role, "RoleSessionName": "again"}),
    ]
    made = functions.invoke(name, [{"service": s, "call": c, "with": w} for _, s, c, w in calls])
    assert made.value == [outcome for outcome, *_ in calls]
    assert s3.get_object(**key)["Body"].read() == b"content"


@pytest.mark.root
def test_the_end_of_a_role_ends_the_sessions_that_were_handed_out(live_server: LiveServer) -> None:
    iam = live_server.client("iam")
    role = iam.create_role(RoleName="ending", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    iam.put_role_policy(RoleName="ending", PolicyName="own", PolicyDocument=allow("*"))
    functions = Deployment(live_server.client("lambda"))
    name = functions.deploy(
        """
        import os
        def handler(event, context):
            return [os.environ[f"AWS_{each}"] for each in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")]
        """,
        Role=role,
    )
    access_key, secret_key, token = functions.invoke(name).value
    keys = {"access_key": access_key, "secret_key": secret_key, "aws_session_token": token}
    taken = live_server.client("sqs", **keys)
    assert "ResponseMetadata" in taken.list_queues()
    queue = live_server.client("sqs").create_queue(QueueName=name, Attributes={"VisibilityTimeout": "30"})["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:000000000000:{name}"
    client = live_server.client("lambda")
    mapping = client.create_event_source_mapping(FunctionName=name, EventSourceArn=arn)["UUID"]
    iam.delete_role_policy(RoleName="ending", PolicyName="own")
    assert refusal(taken.list_queues).startswith("AccessDenied")
    iam.delete_role(RoleName="ending")
    assert refusal(taken.list_queues) in ("UnrecognizedClientException", "InvalidClientTokenId")
    live_server.client("sqs").send_message(QueueUrl=queue, MessageBody="nobody's")

    def taken_back() -> bool:
        shown = live_server.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
        return bool(shown["ApproximateNumberOfMessagesNotVisible"] == "1")

    eventually(taken_back, "the message that the mapping was waiting for to be held back")
    ran = {"logGroupName": f"/aws/lambda/{name}", "filterPattern": '"START RequestId"'}
    events = live_server.client("logs").filter_log_events(**ran)["events"]
    assert len(events) == 1, "it ran for its caller, and not for the queue"
    # Made again under its name, it is another role: nobody who had the first one has it.
    iam.create_role(RoleName="ending", AssumeRolePolicyDocument=json.dumps(TRUST))
    iam.put_role_policy(RoleName="ending", PolicyName="own", PolicyDocument=allow("*"))
    assert refusal(taken.list_queues) in ("UnrecognizedClientException", "InvalidClientTokenId")
    client.delete_event_source_mapping(UUID=mapping)


@pytest.mark.root
@pytest.mark.slow
def test_a_function_may_do_what_its_role_may(live_server: LiveServer) -> None:
    iam = live_server.client("iam")
    role = iam.create_role(RoleName="narrow", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    functions = Deployment(live_server.client("lambda"))
    neighbour = functions.deploy("def handler(event, context):\n    return 'here'\n")
    name = functions.deploy(CALLS, Role=role, MemorySize=256, Timeout=30)

    def attempt(service: str, call: str, **params: Any) -> Any:
        return functions.invoke(name, {"service": service, "call": call, "with": params}).value

    assert attempt("sts", "get_caller_identity") == "done"
    assert attempt("lambda", "invoke", FunctionName=neighbour) == "AccessDeniedException"
    assert attempt("lambda", "get_function", FunctionName=neighbour) == "AccessDeniedException"
    assert attempt("iam", "list_users") == "AccessDenied"
    document = allow("lambda:InvokeFunction", f"arn:aws:lambda:*:*:function:{neighbour}")
    iam.put_role_policy(RoleName="narrow", PolicyName="own", PolicyDocument=document)
    assert attempt("lambda", "invoke", FunctionName=neighbour) == "done"
    assert attempt("lambda", "get_function", FunctionName=neighbour) == "AccessDeniedException"
    iam.delete_role_policy(RoleName="narrow", PolicyName="own")
    iam.delete_role(RoleName="narrow")
    refused = ("AccessDeniedException", "UnrecognizedClientException", "InvalidClientTokenId")
    eventually(lambda: attempt("lambda", "invoke", FunctionName=neighbour) in refused, "the role's end is felt")
