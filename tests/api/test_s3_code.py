"""Code that lies in a bucket: functions and layers are made of it, with the rights of whoever makes them."""

import json
from typing import Any

import pytest

from fakes.deployment import ROLE, Deployment
from fakes.live_server import LiveServer
from fakes.s3 import new_bucket, refusal
from fakes.zips import zip_of

SAYS = "def handler(event, context):\n    return {!r}\n"


@pytest.fixture(scope="module")
def s3(live_server: LiveServer) -> Any:
    return live_server.client("s3")


@pytest.fixture(scope="module")
def bucket(s3: Any) -> str:
    name = new_bucket(s3)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def put_code(s3: Any, bucket: str, says: str) -> str:
    version: str = s3.put_object(Bucket=bucket, Key="code.zip", Body=zip_of({"app.py": SAYS.format(says)}))["VersionId"]
    return version


def create(client: Any, name: str, **code: Any) -> Any:
    return client.create_function(FunctionName=name, Runtime="python3.11", Handler="app.handler", Role=ROLE, Code=code)


def test_a_function_is_made_and_changed_from_a_bucket(s3: Any, bucket: str, lambda_client: Any) -> None:
    first, _ = put_code(s3, bucket, "one"), put_code(s3, bucket, "two")
    deployment = Deployment(lambda_client)
    create(lambda_client, "from-bucket", S3Bucket=bucket, S3Key="code.zip", S3ObjectVersion=first)
    deployment.wait_active("from-bucket")
    assert deployment.invoke("from-bucket").value == "one"
    lambda_client.update_function_code(FunctionName="from-bucket", S3Bucket=bucket, S3Key="code.zip")
    deployment.wait_updated("from-bucket")
    assert deployment.invoke("from-bucket").value == "two"
    content = {"S3Bucket": bucket, "S3Key": "code.zip", "S3ObjectVersion": first}
    layer = lambda_client.publish_layer_version(LayerName="from-bucket", Content=content)
    assert layer["Content"]["CodeSize"] > 0


def test_what_is_not_there_is_told_in_lambdas_words(s3: Any, bucket: str, lambda_client: Any) -> None:
    texts = {
        ("no-such-bucket-here", "k"): "NoSuchBucket. S3 Error Message: The specified bucket does not exist",
        (bucket, "none"): "NoSuchKey. S3 Error Message: The specified key does not exist.",
    }
    for (where, key), text in texts.items():
        with pytest.raises(lambda_client.exceptions.InvalidParameterValueException, match=text) as refused:
            create(lambda_client, "no-code", S3Bucket=where, S3Key=key)
        assert refused.value.response["Error"]["Message"].startswith("Error occurred while GetObject. S3 Error Code: ")
    source = {"S3Bucket": bucket, "S3Key": "code.zip"}
    both = refusal(create, client=lambda_client, name="no-code", ZipFile=b"x", **source)
    assert both == ("InvalidParameterValueException", 400)
    half = refusal(create, client=lambda_client, name="no-code", S3Bucket=bucket)
    assert half == ("InvalidParameterValueException", 400)


def test_nobody_makes_a_function_of_what_he_may_not_read(
    live_server: LiveServer, s3: Any, bucket: str, lambda_client: Any
) -> None:
    put_code(s3, bucket, "secret")
    iam = live_server.client("iam")
    iam.create_user(UserName="coder")
    statement = {"Effect": "Allow", "Action": ["lambda:*", "iam:PassRole"], "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    iam.put_user_policy(UserName="coder", PolicyName="own", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName="coder")["AccessKey"]
    own = live_server.client("lambda", access_key=key["AccessKeyId"], secret_key=key["SecretAccessKey"])
    code = {"S3Bucket": bucket, "S3Key": "code.zip"}
    assert refusal(create, client=own, name="stolen", **code) == ("AccessDeniedException", 403)
    # A bucket's policy lets him as well as his own would.
    allow = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::000000000000:user/coder"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [allow]}))
    assert create(own, "borrowed", **code)["State"] == "Pending"
