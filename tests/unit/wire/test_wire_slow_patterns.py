"""No pattern of a model keeps the server from others: each is tried with texts that it almost matches.

What takes the square of a length that a model allows takes milliseconds. What these patterns were took for ever: such a
test ends by the time that all tests have.
"""

from collections.abc import Iterator

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel

from stoker.wire.constraints import rules_of
from stoker.wire.patterns import UnsupportedPatternError

SERVICES = ["lambda", "logs", "sts", "iam", "s3", "sqs", "sns", "kinesis", "scheduler", "events", "dynamodb"]
SERVICES += ["cloudwatch", "apigateway", "apigatewayv2", "apigatewaymanagementapi", "dynamodbstreams"]
BEGINNINGS = ["", "a", "arn:aws", "arn:aws:iam::000000000000:role/", "arn:aws:events:a-a-", "aws.partner", "$"]
AGAIN = [" ", "\t ", "a", "-", "a-", "a.", "/", "a/", ":", "[1]", "$.a", ":kinesis:", ":000000000000:", "stream/a"]


def attacks(length: int) -> Iterator[str]:
    for beginning in BEGINNINGS:
        for again in AGAIN:
            yield f"{beginning}{again * length}"[: length - 1] + "\x01"


@pytest.mark.parametrize("service", SERVICES)
def test_no_text_of_an_allowed_length_is_looked_through_for_ever(service: str) -> None:
    model = ServiceModel(Loader().load_service_model(service, "service-2"), service)
    patterns = {}
    for shape in map(model.shape_for, model.shape_names):
        if "pattern" in shape.metadata:
            patterns[shape.metadata["pattern"], shape.metadata.get("max", 1024)] = shape
    for (pattern, longest), shape in patterns.items():
        try:
            rules = rules_of(shape)
        except UnsupportedPatternError:
            # Of an operation that is not there.
            continue
        (rule,) = (rule for rule in rules if pattern in rule.text)
        for text in attacks(min(longest, 2048)):
            rule.holds(text)


def test_what_is_longer_than_allowed_is_told_so_and_not_looked_through() -> None:
    shape = ServiceModel(Loader().load_service_model("kinesis", "service-2"), "kinesis").shape_for("ConsumerARN")
    text = "arn:aws" + ":kinesis::000000000000:" * 400_000
    assert [rule.text for rule in rules_of(shape) if not rule.holds(text)] == [
        "Member must have length less than or equal to 2048"
    ]


@pytest.mark.parametrize(
    ("service", "name", "good", "bad"),
    [
        ("events", "HeaderValue", ["a", " \t a  b\tc ", "\t!"], ["", "\t", "a\x01", "ä"]),
        ("events", "AuthHeaderParameters", ["a", " a b\t", "ä\tö"], ["", "\t", "a:b", "a\n"]),
        ("dynamodb", "S3Bucket", ["ab", "a.-_b"], ["a", ".b", "a-", "a b"]),
        (
            "kinesis",
            "StreamARN",
            ["arn:aws:kinesis:us-east-1:000000000000:stream/a", "arn:aws-cn:kinesis::000000000000:stream/a"],
            ["arn:aws:kinesis:us-east-1:1:stream/a", "arn:aws:sqs:us-east-1:000000000000:stream/a"],
        ),
        (
            "kinesis",
            "ConsumerARN",
            ["arn:aws:kinesis:us-east-1:000000000000:stream/a/consumer/b:1"],
            ["arn:aws:kinesis:us-east-1:000000000000:stream/a", "aws:kinesis::000000000000:stream/a/consumer/b:1"],
        ),
    ],
)
def test_what_is_written_plainer_means_the_same(service: str, name: str, good: list[str], bad: list[str]) -> None:
    shape = ServiceModel(Loader().load_service_model(service, "service-2"), service).shape_for(name)
    (rule,) = (rule for rule in rules_of(shape) if "pattern" in rule.text)
    assert [text for text in [*good, *bad] if rule.holds(text)] == good
