"""Logs Insights' language: what queries make of events."""

import json
from pathlib import Path
from typing import Any

import pytest

from fakes.log_rows import PARSER, ask, rows
from stoker.observability.insights.pipeline import MOST_ROWS, Program, TooManyGroupsError
from stoker.observability.insights.query import MalformedQueryError, UnbuiltCommandError

CASES = Path(__file__).with_name("insights_cases.json")
ID = "8f2e0c1a-5b1e-4f0b-9d3e-0a1b2c3d4e5f"
LAMBDA = rows(
    [
        f"START RequestId: {ID} Version: $LATEST\n",
        f"2026-11-23T00:00:00.000Z\t{ID}\tINFO\tuser=bob, method:PUT, latency := 12\n",
        f"END RequestId: {ID}\n",
        f"REPORT RequestId: {ID}\tDuration: 12.34 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 40 MB\tInit Duration: 100.50 ms\t\n",
        'told {"level": "ERROR", "n": 3, "a": {"b": [1, {"c": "x"}], "d.e": 5}, "cold": true, "none": null} '
        'and {"n": 4}\n',
    ]
)
JSON = rows([json.dumps({"n": n, "s": f"v{n % 3}"}) for n in range(10)], group="app")


@pytest.mark.parametrize("case", json.loads(CASES.read_text()), ids=lambda case: str(case["query"]))
def test_queries_give_what_they_say(case: dict[str, Any]) -> None:
    assert ask(case["query"], LAMBDA) == case["results"]


def test_only_groups_of_functions_have_json_within_a_line() -> None:
    line = 'x {"n": 1}'
    assert ask("fields n | limit 1", rows([line], group="app")) == [{}]
    assert ask("fields n | limit 1", rows([line])) == [{"n": "1"}]


def test_what_is_sorted_and_deduplicated() -> None:
    assert [each["n"] for each in ask("fields n | dedup s", JSON)] == ["9", "8", "7"]
    assert [each["n"] for each in ask("fields n | sort n | dedup s | limit 2", JSON)] == ["0", "1"]
    assert len(ask("fields n | dedup none", JSON)) == 10
    assert [each["n"] for each in ask("fields n | sort s desc, n", JSON)] == list("2581470369")
    mixed = rows(['{"v":"a10"}', '{"v":"a9"}', '{"v":"10"}', '{"v":9}', "{}", '{"v":"B"}'], group="app")
    assert [each.get("v") for each in ask("fields v | sort v", mixed)] == [None, "B", "a9", "a10", "9", "10"]


def test_a_limit_is_the_query_s_or_the_request_s() -> None:
    many = rows(["{}"] * (MOST_ROWS + 5))
    assert len(ask("fields @message", many)) == MOST_ROWS
    assert len(ask("fields @message", many, limit=7)) == 7
    assert len(ask("fields @message | limit 9", many, limit=7)) == 9


def test_what_is_missing_is_neither_so_nor_not_so() -> None:
    for condition in ("x = 1", "x != 1", "not (x = 1)", "x < 1", "x like 'a'", "x not like 'a'", "x not in [1]"):
        assert ask(f"filter {condition}", JSON) == []
    assert len(ask("filter not ispresent(x) or x = 1", JSON)) == 10


def test_more_groups_than_can_be_kept_are_refused() -> None:
    many = rows([str(number) for number in range(MOST_ROWS + 1)])
    with pytest.raises(TooManyGroupsError):
        ask("stats count(*) by @message", many)


@pytest.mark.parametrize(
    ("query", "said", "start"),
    [
        ("", "empty", 0),
        ("fields @timestamp, custom | count()", "unexpected symbol found count at line 1 and position 29", 28),
        ("fields a |", "unexpected end", 10),
        ("filter @message like /x", "unexpected symbol found /", 21),
        ("filter foo(1)", "Unknown function: foo", 0),
        ("filter substr('a')", "substr does not take 1", 0),
        ("filter count(*) > 1", "count stands in stats only", 0),
        ("stats @message", "@message", 0),
        ("stats count(*) as c | filter other = 1", "Unknown symbols found in or after stats: other", 0),
        ("stats count(*) by 5m", "period", 0),
        ("stats bin(0s)", "period", 0),
        ("filter @message like /(/", "Invalid regular expression", 0),
        ('parse @message "a*b*" as x', "2 wildcards are given 1 names", 0),
        ("fields a | dedup a | fields b", "Only limit may follow dedup", 0),
        ("limit 1 | " * 50 + "limit 1", "at most 50 commands", 0),
        ("filter " + "(" * 50 + "not " * 200 + "1" + ")" * 50, "nested", 0),
        ("filter " + "not " * 2_400 + "1", "nested", 0),
        ("filter " + "1 + " * 2_400 + "1", "nested", 0),
    ],
)
def test_what_is_no_query_is_refused_with_its_place(query: str, said: str, start: int) -> None:
    with pytest.raises(MalformedQueryError) as refused:
        Program(PARSER.parse(query), limit=None, now_s=0)
    assert said in str(refused.value) and refused.value.start == start


def test_commands_that_are_not_there_are_named() -> None:
    for query in ("pattern @message", "fields @message | unnest a into b", "SOURCE logGroups(namePrefix: ['a'])"):
        with pytest.raises(UnbuiltCommandError, match="not there yet"):
            PARSER.parse(query)
