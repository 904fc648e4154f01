"""A function's log, as far back as asked, and as it comes."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from stoker.cli.failures import CliError
from stoker.cli.logs import followed, found, log_group, seconds

GROUP = {"logGroupName": "/aws/lambda/f"}


def client(service: str) -> Any:
    return boto3.client(service, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")


@pytest.fixture
def logs() -> Any:
    return client("logs")


@pytest.fixture
def stub(logs: Any) -> Iterator[Stubber]:
    with Stubber(logs) as stub:
        yield stub


def page(stub: Stubber, start_ms: int, *events: tuple[str, int], token: str = "", next_token: str = "") -> None:
    answer: dict[str, Any] = {"events": [{"eventId": id, "timestamp": at, "message": id} for id, at in events]}
    asked: dict[str, Any] = {**GROUP, "startTime": start_ms}
    stub.add_response(
        "filter_log_events",
        answer | ({"nextToken": next_token} if next_token else {}),
        asked | ({"nextToken": token} if token else {}),
    )


def test_every_page_is_shown(logs: Any, stub: Stubber) -> None:
    page(stub, 5, ("a", 6), next_token="t")
    page(stub, 5, ("b", 7), token="t")
    assert [event["message"] for event in found(logs, GROUP, 5)] == ["a", "b"]


def test_following_shows_each_line_once_even_two_of_one_millisecond(logs: Any, stub: Stubber) -> None:
    page(stub, 5, ("a", 6), ("b", 7))
    page(stub, 7, ("b", 7), ("c", 7))
    page(stub, 7, ("b", 7), ("c", 7), ("d", 9))
    slept: list[float] = []
    events = islice(followed(logs, GROUP, 5, slept.append), 4)
    assert [event["message"] for event in events] == ["a", "b", "c", "d"]
    assert len(slept) == 2


def test_following_waits_for_a_log_that_is_not_there_yet(logs: Any, stub: Stubber) -> None:
    stub.add_client_error("filter_log_events", "ResourceNotFoundException")
    page(stub, 5, ("a", 6))
    assert next(followed(logs, GROUP, 5, lambda _delay_s: None))["message"] == "a"


def test_a_function_that_logs_elsewhere_is_followed_there() -> None:
    functions = client("lambda")
    with Stubber(functions) as stub:
        stub.add_response("get_function_configuration", {"LoggingConfig": {"LogGroup": "/shop"}, "FunctionName": "f"})
        assert log_group(functions, "f") == "/shop"


def test_the_log_of_a_deleted_function_is_where_it_was() -> None:
    functions = client("lambda")
    with Stubber(functions) as stub:
        stub.add_client_error("get_function_configuration", "ResourceNotFoundException")
        assert log_group(functions, "f") == "/aws/lambda/f"


def test_ages_are_a_number_and_a_unit() -> None:
    assert [seconds(age) for age in ("30s", "10m", "2h", "7d")] == [30, 600, 7200, 604_800]
    with pytest.raises(CliError, match="--since soon"):
        seconds("soon")
