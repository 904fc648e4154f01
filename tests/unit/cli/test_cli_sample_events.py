"""The sample events, against what Stoker's own sources send."""

import base64
import hashlib
import json
from typing import Any

import pytest

from stoker.cli.event import read_event
from stoker.cli.failures import CliError
from stoker.model.http_event import Circumstances, HttpRequest, to_event
from stoker.model.sample_event import TITLES, sample_event, sample_events


def test_each_is_an_object_with_a_title() -> None:
    assert all(title and isinstance(json.loads(text), dict) for title, text in sample_events().values())


def test_a_record_says_its_source_as_aws_spells_it() -> None:
    said = {name: _record(name).get("eventSource") or _record(name).get("EventSource") for name in TITLES}
    assert {name: source for name, source in said.items() if source} == {
        "sqs": "aws:sqs",
        "sns": "aws:sns",
        "s3-put": "aws:s3",
        "s3-delete": "aws:s3",
        "dynamodb": "aws:dynamodb",
        "kinesis": "aws:kinesis",
    }


def test_a_request_s_event_is_what_a_function_url_sends() -> None:
    sample = json.loads(sample_event("http"))
    context = sample["requestContext"]
    request = HttpRequest(
        method="GET", path="/hello", query="name=Ada", headers=sample["headers"], body=b"", source_ip="127.0.0.1"
    )
    about = Circumstances(
        request_id=context["requestId"],
        api_id=context["apiId"],
        domain=context["domainName"],
        at=context["timeEpoch"] / 1000,
    )
    assert sample == json.loads(to_event(request, about))


def test_the_digests_and_the_data_are_true() -> None:
    for record in json.loads(sample_event("sqs"))["Records"]:
        assert hashlib.md5(record["body"].encode()).hexdigest() == record["md5OfBody"]
    assert json.loads(base64.b64decode(_record("kinesis")["kinesis"]["data"])) == {"degrees": 95}


def test_an_unknown_one_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(CliError, match="no sample event 'alexa'; there are hello, http"):
        read_event(None, None, "alexa")


def _record(name: str) -> Any:
    event = json.loads(sample_event(name))
    return event.get("Records", [event])[0]
