"""Parameter mapping, access logs and limits: what is written is what is done."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.apis.errors import BadRequestException
from stoker.apis.http.access_log import parse_format, write_line
from stoker.apis.http.mapping import (
    Mapped,
    Template,
    check_request_parameters,
    check_response_parameters,
    compile_changes,
    map_request,
)
from stoker.apis.http.throttle import Buckets, Limit

VALUES = {"request.header.a": "1", "context.stage": "dev", "stageVariables.x": "v"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("$request.header.a", "1"),
        ("${context.stage}/${stageVariables.x}!", "dev/v!"),
        ("$request.header.none", None),
        ("x-$request.header.none", "x-"),
        ("costs $5", "costs $5"),
    ],
)
def test_a_value_may_be_text_selectors_or_both(text: str, value: str | None) -> None:
    assert Template.parse(text).fill(VALUES.get) == value


def test_headers_parameters_and_the_path_are_changed() -> None:
    changes = compile_changes(
        {
            "append:header.X-A": "2",
            "overwrite:header.b": "new",
            "remove:header.c": "''",
            "remove:querystring.q": "''",
            "append:querystring.r": "$request.header.a",
            "overwrite:path": "/a b/$context.stage",
        }
    )
    given_request = Mapped(path="/old", headers=[("x-a", "1"), ("b", "old"), ("c", "gone")], query=[("q", "1")])
    mapped = map_request(changes, given_request, VALUES.get)
    assert sorted(mapped.headers) == [("b", "new"), ("x-a", "1"), ("x-a", "2")]
    assert (mapped.query, mapped.path) == ([("r", "1")], "/a%20b/dev")


@pytest.mark.parametrize(
    "key", ["append:header.authorization", "set:header.a", "append:path", "overwrite:body", "header.a"]
)
def test_what_may_not_be_mapped_is_refused(key: str) -> None:
    with pytest.raises(BadRequestException):
        check_request_parameters({key: "x"})


@pytest.mark.parametrize(
    ("status", "key"), [("ok", "append:header.a"), ("200", "append:header.via"), ("200", "overwrite:path")]
)
def test_what_may_not_be_mapped_in_an_answer_is_refused(status: str, key: str) -> None:
    with pytest.raises(BadRequestException):
        check_response_parameters({status: {key: "x"}})


@given(st.text())
def test_a_client_writes_no_line_of_its_own_into_a_log(value: str) -> None:
    line = write_line(parse_format('{"path":"$context.path"}'), lambda name: value)
    assert "\n" not in line and "\r" not in line
    inside = line[len('{"path":"') : -len('"}')]
    assert inside.replace("\\\\", "").replace('\\"', "").count('"') == 0


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    buckets, limit = Buckets(), Limit(rate=2.0, burst=3)
    assert [buckets.take("a", limit, 0.0) for _ in range(4)] == [True, True, True, False]
    assert [buckets.take("a", limit, 0.5) for _ in range(2)] == [True, False]
    assert buckets.take("b", limit, 0.5)
    assert [buckets.take("a", limit, 100.0) for _ in range(4)] == [True, True, True, False]
