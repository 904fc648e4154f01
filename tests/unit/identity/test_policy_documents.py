"""What IAM takes for a policy, and which of several faults it tells: the order is as AWS was seen to answer."""

import json
from typing import Any

import pytest

from fakes.identity_house import policy, trust
from stoker.identity.documents import DocumentKind, parse_document
from stoker.identity.errors import MalformedPolicyDocumentError
from stoker.identity.policy_grammar import NEWEST_VERSION
from stoker.identity.templates import Variable, parse_template

SYNTAX = "Syntax errors in policy."
VERSION = "Policy document must be version 2012-10-17 or greater."
UNPARSED = "The policy failed legacy parsing"
NO_ACTION = "Policy statement must contain actions."
NO_RESOURCE = "Policy statement must contain resources."
NO_VENDOR = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
COLONS = "Actions/Condition can contain only one colon."
SID = "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
VENDOR = "Resource vendor must be fully qualified and cannot contain regexes."
BUCKET = "arn:aws:s3:::b"
GOOD = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": BUCKET}


def document(*statements: Any, version: str | None = NEWEST_VERSION, **members: Any) -> str:
    given = {} if version is None else {"Version": version}
    return json.dumps({**given, "Statement": list(statements), **members})


def reason(text: str, kind: DocumentKind = DocumentKind.IDENTITY) -> str:
    with pytest.raises(MalformedPolicyDocumentError) as caught:
        parse_document(text, kind)
    return caught.value.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no JSON", SYNTAX),
        ("[" * 100_000, SYNTAX),
        ("[]", SYNTAX),
        ('{"Version": "2012-10-17"}', SYNTAX),
        (document(), SYNTAX),
        (document("text"), SYNTAX),
        (document(GOOD, Extra="x"), SYNTAX),
        (document(GOOD, Id=["x"]), SYNTAX),
        (document(GOOD, version="2013-10-17"), SYNTAX),
        (document(GOOD, version=None), VERSION),
        (document(GOOD, version="2008-10-17"), VERSION),
        (document(GOOD | {"Effect": "denY"}, version=None), VERSION),
        (
            document(GOOD | {"Sid": "a"}, {"Sid": "a", "Effect": "Allow"}),
            "Statement IDs (SID) in a single policy must be unique.",
        ),
    ],
)
def test_a_document_has_its_elements(text: str, expected: str) -> None:
    assert reason(text) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"Extra": "x"}, SYNTAX),
        ({"Principal": "*"}, "Policy document should not specify a principal."),
        ({"Effect": None}, SYNTAX),
        ({"Effect": "Maybe"}, SYNTAX),
        ({"Effect": "allow"}, UNPARSED),
        ({"Effect": "allow", "Resource": "arn:aws:s3:us-east-1::b"}, UNPARSED),
        ({"Sid": {}}, SYNTAX),
        (
            {"Sid": "a-b"},
            SID,
        ),
        ({"NotAction": "s3:x"}, SYNTAX),
        ({"NotResource": "*"}, SYNTAX),
        ({"Action": {}}, SYNTAX),
        ({"Action": [[]]}, SYNTAX),
        ({"Action": []}, NO_ACTION),
        ({"Action": None, "Resource": "arn:aws:s3::b"}, UNPARSED),
        ({"Action": "invalid"}, NO_VENDOR),
        ({"Action": "invalid", "Resource": None}, NO_VENDOR),
        ({"Action": ""}, NO_VENDOR),
        ({"Action": "s3:List:Bucket"}, COLONS),
        ({"Action": ["s3s:x", "s:3s:x"]}, COLONS),
        ({"Action": "s:3:x", "Resource": "nothing"}, 'Resource nothing must be in ARN format or "*".'),
        ({"Action": "a a:x"}, "Vendor a a is not valid"),
        ({"Resource": None}, NO_RESOURCE),
        ({"Resource": []}, NO_RESOURCE),
        ({"Resource": {"a": BUCKET}}, SYNTAX),
        ({"Resource": ["x", {}]}, SYNTAX),
        ({"Resource": ""}, 'Resource  must be in ARN format or "*".'),
        ({"Resource": "a:bc"}, 'Partition "bc" is not valid for resource "arn:bc:*:*:*:*".'),
        ({"Resource": "a:b:c:d:e:f:g:h"}, 'Partition "b" is not valid for resource "arn:b:c:d:e:f:g:h".'),
        ({"Resource": "aws:s3:::b"}, 'Partition "s3" is not valid for resource "arn:s3:::b:*".'),
        ({"Resource": ["arn:x:s3:::b", "arn:x:s3::b"]}, 'Partition "x" is not valid for resource "arn:x:s3:::b".'),
        ({"Resource": "arn:aws"}, VENDOR),
        ({"Resource": "arn:aws:s*:::b"}, VENDOR),
        ({"Resource": "arn:aws:s3::b"}, UNPARSED),
        ({"Resource": "arn:aws::::b"}, UNPARSED),
        ({"Resource": "arn:aws::b"}, UNPARSED),
        (
            {"Resource": "arn:aws:s3:us-east-1::b"},
            "Resource arn:aws:s3:us-east-1::b can not contain region information.",
        ),
        (
            {"Resource": "arn:aws:iam:us-east-1::b"},
            "IAM resource arn:aws:iam:us-east-1::b cannot contain region information.",
        ),
        ({"Condition": "a"}, SYNTAX),
        ({"Condition": []}, SYNTAX),
        ({"Condition": {"a": "b"}}, SYNTAX),
        ({"Condition": {"DateGreaterThan": {"a": {}}}}, SYNTAX),
        ({"Condition": {"StringAlmost": {"a": "b"}}}, SYNTAX),
        ({"Condition": {"ForAnyValue::StringEquals": {"a": "b"}}}, SYNTAX),
        ({"Condition": {"DateGreaterThan": {"a": "soon"}}}, UNPARSED),
        ({"Condition": {"DateLessThanEquals": {"a": "234-13"}}}, UNPARSED),
        ({"Condition": {"DateLessThan": {"a": "9223372036854775808"}}}, UNPARSED),
        ({"Condition": {"DateLessThanEquals": {"a": "2016-12-13t2:00:00.593194+1"}}}, UNPARSED),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/64"}}}, UNPARSED),
        ({"Condition": {"NumericEquals": {"s3:max-keys": "many"}}}, UNPARSED),
    ],
)
def test_the_first_fault_of_a_statement_is_told(change: dict[str, Any], expected: str) -> None:
    statement = {key: value for key, value in (GOOD | change).items() if value is not None}
    assert reason(document(statement)) == expected


def test_a_path_in_iam_begins_with_what_is_there() -> None:
    assert reason(policy("s3:x", "arn:aws:iam:::b")).startswith(
        'IAM resource path must either be "*" or start with user/'
    )


@pytest.mark.parametrize(
    "change",
    [
        {"Action": "*", "Resource": "*"},
        {"Action": "iam: any text "},
        {"Action": "nobody-knows.this:x"},
        {"Resource": ["arn:aws:nothing:us-east-1::b", "*"]},
        {"Resource": "arn:aws:anything"},
        {"Resource": "arn:*:logs:*:*:*"},
        {"Resource": "arn:aws:iam::*:user/${aws:username}"},
        {"Condition": {}},
        {"Condition": {"nothing": {}}},
        {"Condition": {"DateGreaterThan": {"a": []}}},
        {"Condition": {"DateGreaterThan": {"a": ["01T", 0, "2016-12-13t2:00:00.593194+23", "-292275054"]}}},
        {
            "Condition": {
                "ForAllValues:StringLikeIfExists": {"aws:TagKeys": "a*"},
                "Bool": {"aws:SecureTransport": True},
            }
        },
        {"Sid": ""},
    ],
)
def test_what_iam_takes_is_taken(change: dict[str, Any]) -> None:
    assert parse_document(document(GOOD | change), DocumentKind.IDENTITY).statements[0].allows


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "This policy contains invalid Json"),
        (trust("*", "s3:GetObject"), "AssumeRole policy may only specify STS AssumeRole actions."),
        (trust("*", Resource="*"), "Has prohibited field Resource"),
        (trust(None), "Missing required field Principal"),
        (trust({"AWS": "nobody"}), 'Invalid principal in policy: "AWS":"nobody"'),
    ],
)
def test_a_trust_policy_says_who_and_not_what(text: str, expected: str) -> None:
    assert reason(text, DocumentKind.TRUST) == expected


@pytest.mark.parametrize("resources", [1, 4_000])
def test_a_document_of_any_size_is_read(resources: int) -> None:
    arns = [f"arn:aws:s3:::bucket-{n}/${{aws:username}}/*?" for n in range(resources)]
    assert len(parse_document(policy("s3:*", arns), DocumentKind.IDENTITY).statements[0].resources or ()) == resources


@pytest.mark.parametrize("blank", [" ", "\t", "$", "${", "${a,'"])
def test_blanks_in_a_variable_that_does_not_end_are_read_once(blank: str) -> None:
    """The third power of their number would be for ever."""
    text = "${" + blank * 20_000
    assert parse_template(text, wildcards=True, variables=True).parts


def test_blanks_around_a_variable_s_name_are_not_its_own() -> None:
    template = parse_template("${ aws:username , 'nobody' }", wildcards=True, variables=True)
    assert template.parts == (Variable(key="aws:username", default="nobody"),)
