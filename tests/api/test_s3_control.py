"""Buckets' tags by S3 Control, as Terraform and Pulumi read and write them."""

from typing import Any

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from fakes.live_server import ACCESS_KEY, REGION, SECRET_KEY, LiveServer
from fakes.s3 import content, fetch, new_bucket, refusal

ACCOUNT = "000000000000"


@pytest.fixture(scope="module")
def s3(live_server: LiveServer) -> Any:
    return live_server.client("s3")


@pytest.fixture(scope="module")
def control(live_server: LiveServer) -> Any:
    return live_server.client("s3control")


def tags(control: Any, bucket: str) -> dict[str, str]:
    told = control.list_tags_for_resource(AccountId=ACCOUNT, ResourceArn=f"arn:aws:s3:::{bucket}")
    return {each["Key"]: each["Value"] for each in told["Tags"]}


def test_tags_are_those_of_the_bucket(s3: Any, control: Any) -> None:
    bucket = new_bucket(s3)
    named = {"AccountId": ACCOUNT, "ResourceArn": f"arn:aws:s3:::{bucket}"}
    assert tags(control, bucket) == {}
    control.tag_resource(**named, Tags=[{"Key": "team", "Value": "red"}, {"Key": "plus + and: /@", "Value": ""}])
    control.tag_resource(**named, Tags=[{"Key": "team", "Value": "blue"}])
    assert tags(control, bucket) == {"team": "blue", "plus + and: /@": ""}
    told = {each["Key"]: each["Value"] for each in s3.get_bucket_tagging(Bucket=bucket)["TagSet"]}
    assert told == tags(control, bucket)
    control.untag_resource(**named, TagKeys=["team", "none"])
    assert "team" not in tags(control, bucket)
    s3.delete_bucket_tagging(Bucket=bucket)
    assert tags(control, bucket) == {}


def test_what_is_not_there_or_not_allowed_is_refused(s3: Any, control: Any) -> None:
    bucket = new_bucket(s3)
    here = {"AccountId": ACCOUNT, "ResourceArn": f"arn:aws:s3:::{bucket}"}
    for wrong in ({"ResourceArn": "arn:aws:s3:::no-such-bucket"}, {"AccountId": "111111111111"}):
        assert refusal(control.list_tags_for_resource, **here | wrong) == ("NoSuchResource", 404)
    lens = {"AccountId": ACCOUNT, "ResourceArn": f"arn:aws:s3:us-east-1:{ACCOUNT}:storage-lens-group/x"}
    assert refusal(control.list_tags_for_resource, **lens) == ("NotImplemented", 501)
    assert refusal(control.tag_resource, **here, Tags=[{"Key": "aws:x", "Value": "1"}]) == ("InvalidTag", 400)
    many = [{"Key": str(number), "Value": ""} for number in range(50)]
    control.tag_resource(**here, Tags=many)
    assert refusal(control.tag_resource, **here, Tags=[{"Key": "one more", "Value": ""}]) == ("BadRequest", 400)
    assert refusal(control.list_access_points, AccountId=ACCOUNT) == ("NotImplemented", 501)


def test_the_account_may_stand_before_the_host(s3: Any, live_server: LiveServer) -> None:
    """As SDKs have it where a name leads here."""
    bucket = new_bucket(s3)
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    url = f"{live_server.endpoint}/v20180820/tags/arn%3Aaws%3As3%3A%3A%3A{bucket}"
    headers = {"x-amz-account-id": ACCOUNT, "host": f"{ACCOUNT}.localhost:{live_server.port}"}
    request = AWSRequest("GET", url, headers=headers)
    S3SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "s3", REGION).add_auth(request)
    status, _, body = fetch(url, headers=dict(request.headers))
    assert status == 200, body
    assert b"<ListTagsForResourceResult" in body and b"<Key>a</Key><Value>b</Value>" in body


def test_a_bucket_may_be_called_as_its_paths_begin(s3: Any) -> None:
    s3.create_bucket(Bucket="v20180820")
    s3.put_object(Bucket="v20180820", Key="tags/x", Body=b"mine")
    assert content(s3, "v20180820", "tags/x") == b"mine"


def test_a_bucket_s_policy_keeps_out_of_its_tags(s3: Any, control: Any) -> None:
    bucket = new_bucket(s3)
    statement = '{"Effect": "Deny", "Principal": "*", "Action": "s3:*TagResource", "Resource": "arn:aws:s3:::%s"}'
    s3.put_bucket_policy(Bucket=bucket, Policy='{"Version": "2012-10-17", "Statement": [%s]}' % (statement % bucket))
    named = {"AccountId": ACCOUNT, "ResourceArn": f"arn:aws:s3:::{bucket}"}
    assert refusal(control.tag_resource, **named, Tags=[{"Key": "a", "Value": "b"}]) == ("AccessDenied", 403)
    assert tags(control, bucket) == {}
