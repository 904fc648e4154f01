"""Which policies are public, and what blocks them."""

import json
from typing import Any

import pytest

from stoker.objects.bucket import Bucket
from stoker.objects.public_access import BLOCKS, is_public, lets_strangers_in


def policy_of(**statement: Any) -> str:
    return json.dumps({"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **statement}]})


@pytest.mark.parametrize(
    ("statement", "public"),
    [
        ({"Principal": "*"}, True),
        ({"Principal": {"AWS": ["arn:aws:iam::1:root", "*"]}}, True),
        ({"Principal": {"AWS": "arn:aws:iam::1:root"}}, False),
        ({"Principal": {"Service": "s3.amazonaws.com"}}, False),
        ({"NotPrincipal": {"AWS": "arn:aws:iam::1:root"}}, True),
        ({"Principal": "*", "Effect": "Deny"}, False),
        ({"Principal": "*", "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}, False),
        ({"Principal": "*", "Condition": {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "0.0.0.0/0"]}}}, True),
        ({"Principal": "*", "Condition": {"StringLike": {"aws:SourceVpc": "vpc-*"}}}, True),
        ({"Principal": "*", "Condition": {"StringEquals": {"aws:UserAgent": "x"}}}, True),
        ({"Principal": "*", "Condition": {"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}}, True),
    ],
)
def test_a_policy_is_public_if_it_lets_everybody_in(statement: dict[str, Any], public: bool) -> None:
    assert is_public(policy_of(**statement)) is public


def test_strangers_are_asked_about_only_where_public_policies_count() -> None:
    def bucket(**settings: Any) -> Bucket:
        return Bucket(id=1, name="b", region="us-east-1", created=0, settings=settings)

    public, narrow = policy_of(Principal="*"), policy_of(Principal={"AWS": "1"})
    assert not lets_strangers_in(bucket())
    assert not lets_strangers_in(bucket(policy=public))
    assert lets_strangers_in(bucket(**{"policy": public, "public access block": {}}))
    assert lets_strangers_in(bucket(**{"policy": public, "public access block": dict.fromkeys(BLOCKS, False)}))
    assert lets_strangers_in(bucket(policy=narrow))
