"""Who may do what to a bucket: users' policies and the bucket's own, on every call."""

import json
import uuid
from typing import Any

import pytest

from fakes.live_server import LiveServer
from fakes.s3 import content, fetch, new_bucket, refusal

DENIED = ("AccessDenied", 403)


@pytest.fixture(scope="module")
def s3(live_server: LiveServer) -> Any:
    return live_server.client("s3")


@pytest.fixture
def bucket(s3: Any) -> str:
    name = new_bucket(s3)
    for key in ("own/a", "other/b"):
        s3.put_object(Bucket=name, Key=key, Body=key.encode())
    return name


def new_user(live_server: LiveServer, *statements: dict[str, Any]) -> tuple[str, Any]:
    """A user's ARN and its client."""
    iam, name = live_server.client("iam"), f"u-{uuid.uuid4().hex[:8]}"
    arn: str = iam.create_user(UserName=name)["User"]["Arn"]
    if statements:
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document(*statements))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return arn, live_server.client("s3", access_key=key["AccessKeyId"], secret_key=key["SecretAccessKey"])


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def test_a_user_may_do_what_his_policy_says(live_server: LiveServer, bucket: str) -> None:
    where = f"arn:aws:s3:::{bucket}"
    _, own = new_user(
        live_server,
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"{where}/own/*"},
        {
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": where,
            "Condition": {"StringLike": {"s3:prefix": "own/*"}},
        },
    )
    assert content(own, bucket, "own/a") == b"own/a"
    own.put_object(Bucket=bucket, Key="own/new", Body=b"x")
    assert [each["Key"] for each in own.list_objects_v2(Bucket=bucket, Prefix="own/")["Contents"]] == [
        "own/a",
        "own/new",
    ]
    for call, params in {
        own.get_object: {"Key": "other/b"},
        own.delete_object: {"Key": "own/a"},
        own.list_objects_v2: {},
        own.put_object: {"Key": "own/tagged", "Tagging": "a=b"},
        own.copy_object: {"Key": "own/copy", "CopySource": {"Bucket": bucket, "Key": "other/b"}},
        own.put_bucket_policy: {"Policy": "{}"},
        own.list_object_versions: {},
    }.items():
        assert refusal(call, Bucket=bucket, **params) == DENIED
    assert refusal(own.list_buckets) == DENIED
    # Who may list only some is not told what is there, as on AWS.
    assert refusal(own.get_object, Bucket=bucket, Key="own/none") == DENIED
    # What he may not delete is told one by one, or all together.
    objects = {"Objects": [{"Key": "own/a"}, {"Key": "other/b"}]}
    assert refusal(own.delete_objects, Bucket=bucket, Delete=objects) == DENIED
    link = own.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "other/b"})
    assert fetch(link)[0] == 403


def test_a_buckets_policy_lets_in_and_keeps_out(live_server: LiveServer, s3: Any, bucket: str) -> None:
    where = f"arn:aws:s3:::{bucket}"
    arn, guest = new_user(live_server)
    assert refusal(guest.get_object, Bucket=bucket, Key="own/a") == DENIED
    let_in = {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "s3:GetObject", "Resource": f"{where}/own/*"}
    s3.put_bucket_policy(Bucket=bucket, Policy=document(let_in))
    assert content(guest, bucket, "own/a") == b"own/a"
    assert refusal(guest.get_object, Bucket=bucket, Key="other/b") == DENIED
    keep_out = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [where, f"{where}/*"]}
    s3.put_bucket_policy(Bucket=bucket, Policy=document(let_in, keep_out))
    for client in (guest, s3):
        assert refusal(client.get_object, Bucket=bucket, Key="own/a") == DENIED
    # The account gets back into what it has shut itself out of.
    s3.delete_bucket_policy(Bucket=bucket)
    assert content(s3, bucket, "own/a") == b"own/a"
