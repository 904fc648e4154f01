"""The pattern language: AWS's examples, its reasons, and a slow obvious twin."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.model.event_pattern import PatternError, compile_pattern, parse_pattern


def matches(pattern: Any, event: Any) -> bool:
    return compile_pattern(pattern).matches(event)


MATCHING = [
    ({"source": ["aws.ec2"]}, {"source": "aws.ec2"}),
    ({"a": {"b": [1, 2]}}, {"a": {"b": 2.0}}),
    ({"a": [None]}, {"a": None}),
    ({"a": [True]}, {"a": True}),
    ({"a": [""]}, {"a": ""}),
    ({"a": ["x"]}, {"a": ["y", "x"]}),
    ({"a": ["x"]}, {"a": [["x"]]}),
    ({"a": {"b": ["x"]}}, {"a": [{"b": "y"}, {"b": "x"}]}),
    ({"a": [{"prefix": "b"}]}, {"a": "bc"}),
    ({"a": [{"prefix": {"equals-ignore-case": "B"}}]}, {"a": "bc"}),
    ({"a": [{"suffix": ".png"}]}, {"a": "x.png"}),
    ({"a": [{"suffix": {"equals-ignore-case": ".PNG"}}]}, {"a": "x.png"}),
    ({"a": [{"anything-but": "x"}]}, {"a": "y"}),
    ({"a": [{"anything-but": "x"}]}, {"a": ["x", "y"]}),
    ({"a": [{"anything-but": [1, 2]}]}, {"a": "1"}),
    ({"a": [{"anything-but": {"prefix": "i"}}]}, {"a": "x"}),
    ({"a": [{"anything-but": {"suffix": ["i", "j"]}}]}, {"a": "x"}),
    ({"a": [{"anything-but": {"equals-ignore-case": ["I"]}}]}, {"a": "x"}),
    ({"a": [{"anything-but": {"wildcard": "*/lib/*"}}]}, {"a": "/bin/x"}),
    ({"a": [{"numeric": [">", 0, "<=", 5]}]}, {"a": 5}),
    ({"a": [{"numeric": ["=", 3.018e2]}]}, {"a": 301.8}),
    ({"a": [{"numeric": ["<", 10]}]}, {"a": -1}),
    ({"a": [{"exists": True}]}, {"a": None}),
    ({"a": [{"exists": False}]}, {"b": 1}),
    ({"a": {"b": [{"exists": False}]}}, {"c": 1}),
    ({"a": [{"exists": False}]}, {"a": {"b": 1}}),
    ({"a": [{"exists": False}]}, {"a": []}),
    ({"a": [{"exists": False}, "x"]}, {"a": "x"}),
    ({"a": [{"cidr": "10.0.0.0/24"}]}, {"a": "10.0.0.255"}),
    ({"a": [{"cidr": "2001:db8::/32"}]}, {"a": "2001:db8::1"}),
    ({"a": [{"equals-ignore-case": "Alice"}]}, {"a": "aLICE"}),
    ({"a": [{"wildcard": "dir/*.png"}]}, {"a": "dir/x/y.png"}),
    ({"a": [{"wildcard": "a\\*b*"}]}, {"a": "a*bc"}),
    ({"$or": [{"a": [1]}, {"b": [2]}]}, {"b": 2}),
    ({"x": [1], "$or": [{"a": [1]}, {"$or": [{"b": [2]}, {"c": [3]}]}]}, {"x": 1, "c": 3}),
    ({"d": {"$or": [{"a": [{"numeric": [">", 1]}]}, {"b": [2]}]}}, {"d": {"a": 2}}),
    ({"$or": ["x"]}, {"$or": "x"}),
]
NOT_MATCHING = [
    ({"a": [1]}, {"a": True}),
    ({"a": [1]}, {"a": "1"}),
    ({"a": ["1"]}, {"a": 1}),
    ({"a": [True]}, {"a": 1}),
    ({"a": [""]}, {"a": None}),
    ({"a": ["x"]}, {"a": {"x": 1}}),
    ({"a": {"b": ["x"], "c": ["y"]}}, {"a": [{"b": "x"}, {"c": "y"}]}),
    ({"a": [{"prefix": "b"}]}, {"a": "B"}),
    ({"a": [{"prefix": "1"}]}, {"a": 12}),
    ({"a": [{"anything-but": "x"}]}, {"b": "y"}),
    ({"a": [{"anything-but": ["x", "y"]}]}, {"a": ["x", "y"]}),
    ({"a": [{"anything-but": 1}]}, {"a": 1.0}),
    ({"a": [{"numeric": [">", 0, "<", 5]}]}, {"a": 5}),
    ({"a": [{"numeric": [">", 0]}]}, {"a": "1"}),
    ({"a": [{"numeric": [">", 0]}]}, {"a": 6e9}),
    ({"a": [{"numeric": [">=", 0]}]}, {"a": True}),
    ({"a": [{"exists": True}]}, {"a": {"b": 1}}),
    ({"a": [{"exists": False}]}, {"a": None}),
    ({"a": {"b": [{"exists": False}]}}, {"a": [{"b": 1}, {"c": 2}]}),
    ({"a": [{"cidr": "10.0.0.0/24"}]}, {"a": "10.0.1.0"}),
    ({"a": [{"cidr": "10.0.0.0/24"}]}, {"a": "here"}),
    ({"a": [{"wildcard": "a*a"}]}, {"a": "a"}),
    ({"a": [{"wildcard": "a*b*c"}]}, {"a": "acb"}),
    ({"$or": [{"a": [1]}, {"b": [2]}]}, {"c": 3}),
]


@pytest.mark.parametrize(("pattern", "event"), MATCHING)
def test_an_event_matches(pattern: Any, event: Any) -> None:
    assert matches(pattern, event)


@pytest.mark.parametrize(("pattern", "event"), NOT_MATCHING)
def test_an_event_does_not_match(pattern: Any, event: Any) -> None:
    assert not matches(pattern, event)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("{", "Invalid JSON"),
        ("[" * 100_000, "Invalid JSON"),
        ("[]", "Filter is not an object"),
        ("{}", "Empty objects are not allowed"),
        ('{"a": {}}', "Empty objects are not allowed"),
        ('{"a": []}', "Empty arrays are not allowed"),
        ('{"a": "b"}', '"a" must be an object or an array'),
        ('{"a": [["b"]]}', "Match value must be String, number, true, false, or null"),
        ('{"a": [{}]}', "Match expression name not found"),
        ('{"a": [{"like": "b"}]}', "Unrecognized match type like"),
        ('{"a": [{"prefix": "b", "suffix": "c"}]}', "Only one key allowed in match expression"),
        ('{"a": [{"prefix": 1}]}', "prefix match pattern must be a string"),
        ('{"a": [{"suffix": null}]}', "suffix match pattern must be a string"),
        ('{"a": [{"equals-ignore-case": 1}]}', "equals-ignore-case match pattern must be a string"),
        ('{"a": [{"wildcard": 1}]}', "wildcard match pattern must be a string"),
        ('{"a": [{"wildcard": "abc**def"}]}', "Consecutive wildcard characters at pos 4"),
        ('{"a": [{"wildcard": "a\\\\bc"}]}', "Invalid escape character at pos 2"),
        ('{"a": [{"exists": "yes"}]}', "exists match pattern must be either true or false."),
        ('{"a": [{"numeric": ">"}]}', "Value of numeric must be an array."),
        ('{"a": [{"numeric": [1]}]}', "Invalid member in numeric match: 1"),
        ('{"a": [{"numeric": ["~", 1]}]}', "Unrecognized numeric range operator: ~"),
        ('{"a": [{"numeric": ["=", "1"]}]}', "Value of equals must be numeric"),
        ('{"a": [{"numeric": [">", true]}]}', "Value of > must be numeric"),
        ('{"a": [{"numeric": ["<", 1, ">", 2]}]}', "Too many elements in numeric expression"),
        ('{"a": [{"numeric": [">", 1, ">", 2]}]}', "Bad numeric range operator: >"),
        ('{"a": [{"numeric": [">", 1, 2]}]}', "Bad value in numeric range: 2"),
        ('{"a": [{"numeric": [">", 2, "<", 1]}]}', "Bottom must be less than top"),
        ('{"a": [{"numeric": [">", 1, "<", 2, "<"]}]}', "Too many terms in numeric range expression"),
        ('{"a": [{"numeric": [">", 6e9]}]}', "Value must be between -5.0E9 and 5.0E9, inclusive"),
        ('{"a": [{"anything-but": null}]}', "Value of anything-but must be an array or single string/number value."),
        ('{"a": [{"anything-but": [null]}]}', "Inside anything but list, start|null|boolean is not supported."),
        (
            '{"a": [{"anything-but": [1, "2"]}]}',
            "Inside anything but list, either all values are number or string, mixed type is not supported",
        ),
        ('{"a": [{"anything-but": {"numeric": 1}}]}', "Unsupported anything-but pattern: numeric"),
        ('{"a": [{"anything-but": {"prefix": ""}}]}', "Null prefix/suffix not allowed"),
        ('{"a": [{"cidr": "10.0.0.0"}]}', "Malformed CIDR, one '/' required"),
        ('{"a": [{"cidr": "10.0.0.0/x"}]}', "Malformed CIDR, mask bits must be an integer"),
        ('{"a": [{"cidr": "10.0.0.0/-1"}]}', "Malformed CIDR, mask bits must not be negative"),
        ('{"a": [{"cidr": "ten/8"}]}', "Nonstandard IP address: ten"),
        ('{"$or": [{"a": [1]}]}', "There must have at least 2 Objects in $or relationship."),
        ('{"$or": {"a": [1]}}', "It must be an Array followed with $or."),
        (
            '{"$or": [{"prefix": [1]}, {"b": [1]}]}',
            "prefix is Ruler reserved fieldName which cannot be used inside $or.",
        ),
    ],
)
def test_what_is_wrong_is_said_in_aws_s_words(pattern: str, reason: str) -> None:
    with pytest.raises(PatternError) as caught:
        parse_pattern(pattern)
    assert str(caught.value) == reason


def test_of_a_field_that_is_there_twice_the_last_counts() -> None:
    pattern = parse_pattern('{"source": ["aws.s3"], "source": ["aws.sns"]}')
    assert pattern.matches({"source": "aws.sns"})
    assert not pattern.matches({"source": "aws.s3"})


def test_a_service_may_know_fewer_operators() -> None:
    with pytest.raises(PatternError, match="Unrecognized match type wildcard"):
        compile_pattern({"a": [{"wildcard": "x"}]}, frozenset({"prefix"}))


def test_a_pattern_nested_without_end_is_refused() -> None:
    with pytest.raises(PatternError):
        parse_pattern('{"a":' * 500 + "[1]" + "}" * 500)


# The twin: an event as all the paths to its plain values, with the array elements on the way; a pattern as all the
# ways to choose one alternative of each $or. Slow, and obvious.

Place = tuple[tuple[str, ...], frozenset[tuple[tuple[str, ...], int]], Any]


def places(value: Any, path: tuple[str, ...] = (), within: frozenset[Any] = frozenset(), at: tuple = ()) -> list[Place]:
    if isinstance(value, dict):
        return [place for key, it in value.items() for place in places(it, (*path, key), within, (*at, key))]
    if isinstance(value, list):
        found = []
        for index, it in enumerate(value):
            found += places(it, path, within | {(at, index)}, (*at, index))
        return found
    return [(path, within, value)]


def conjunctions(pattern: dict[str, Any], path: tuple[str, ...] = ()) -> list[list[tuple[tuple[str, ...], list[Any]]]]:
    ways: list[list[tuple[tuple[str, ...], list[Any]]]] = [[]]
    for key, value in pattern.items():
        if key == "$or":
            more = [way for each in value for way in conjunctions(each, path)]
        elif isinstance(value, dict):
            more = conjunctions(value, (*path, key))
        else:
            more = [[((*path, key), value)]]
        ways = [way + other for way in ways for other in more]
    return ways


def same(value: Any, wanted: Any) -> bool:
    return isinstance(value, bool) == isinstance(wanted, bool) and value == wanted


def one(test: Any, value: Any) -> bool:
    if not isinstance(test, dict):
        return same(value, test)
    (name, operand), text = next(iter(test.items())), isinstance(value, str)
    number = isinstance(value, int) and not isinstance(value, bool)
    if name == "exists":
        return bool(operand)
    if name == "prefix":
        return text and value[: len(operand)] == operand
    if name == "suffix":
        return text and value.endswith(operand)
    if name == "equals-ignore-case":
        return text and value.upper() == operand.upper()
    if name == "numeric":
        return number and all(
            {"<": value < bound, ">": value > bound, "=": value == bound}[sign]
            for sign, bound in zip(operand[::2], operand[1::2], strict=True)
        )
    return not any(same(value, each) for each in operand)


def consistent(one_: frozenset[Any], other: frozenset[Any]) -> bool:
    """Not in different elements of the same array, unless the array is at the end of both paths."""
    arrays = dict(one_)
    return all(arrays.get(array, index) == index for array, index in other)


def twin(pattern: dict[str, Any], event: Any) -> bool:
    found = places(event)

    def some(way: list[tuple[tuple[str, ...], list[Any]]], within: frozenset[Any]) -> bool:
        if not way:
            return True
        (path, tests), rest = way[0], way[1:]
        if {"exists": False} in tests and not any(place[0] == path for place in found):
            return some(rest, within)
        positive = [test for test in tests if test != {"exists": False}]
        return any(
            any(one(test, value) for test in positive) and some(rest, within | elements)
            for where, elements, value in found
            if where == path and consistent(within, elements)
        )

    return any(some(way, frozenset()) for way in conjunctions(pattern))


names = st.sampled_from("ab")
plain = st.one_of(st.integers(0, 3), st.sampled_from(["", "x", "X", "xy", "1"]), st.booleans(), st.none())
tests = st.one_of(
    plain,
    st.sampled_from(["x", "y", "X"]).flatmap(
        lambda text: st.sampled_from([{"prefix": text}, {"suffix": text}, {"equals-ignore-case": text}])
    ),
    st.booleans().map(lambda it: {"exists": it}),
    st.lists(st.integers(0, 3), min_size=1).map(lambda it: {"anything-but": it}),
    st.integers(0, 3).map(lambda it: {"numeric": [">", it]}),
    st.integers(0, 2).map(lambda it: {"numeric": [">", it, "<", it + 2]}),
)
events = st.dictionaries(
    names, st.recursive(plain, lambda it: st.one_of(st.lists(it, max_size=3), st.dictionaries(names, it)), max_leaves=6)
)
patterns = st.recursive(
    st.dictionaries(names, st.lists(tests, min_size=1, max_size=3), min_size=1),
    lambda it: st.one_of(
        st.dictionaries(names, it, min_size=1),
        st.tuples(it, it, st.dictionaries(names, st.lists(tests, min_size=1, max_size=2))).map(
            lambda parts: {**parts[2], "$or": [parts[0], parts[1]]}
        ),
    ),
    max_leaves=4,
)


@given(patterns, events)
def test_it_decides_as_its_slow_twin(pattern: dict[str, Any], event: dict[str, Any]) -> None:
    event = json.loads(json.dumps(event))
    assert matches(pattern, event) == twin(pattern, event), (pattern, event)


@given(st.lists(st.sampled_from("ab*"), max_size=6), st.text("ab", max_size=8))
def test_wildcards_match_as_a_regular_expression_does(letters: list[str], value: str) -> None:
    text = "".join(letters)
    if "**" in text:
        return
    import re

    assert matches({"a": [{"wildcard": text}]}, {"a": value}) == bool(re.fullmatch(text.replace("*", ".*"), value))


def test_a_wildcard_pattern_is_read_once_however_long_it_is() -> None:
    """It would be copied a million times."""
    assert matches({"a": [{"wildcard": "a*" * 1_000_000}]}, {"a": "a" * 1_000_000})
