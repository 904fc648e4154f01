"""Which events a filter pattern shows: facts of the CloudWatch Logs user guide as cases."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.model.errors import InvalidParameterException
from stoker.observability.filter_pattern import compile_filter

TERMS = [
    ("", "anything", True),
    ("  ", "anything", True),
    ("ERROR", "[ERROR] A fatal exception has occurred", True),
    ("ERROR", "Exiting with ERRORCODE: -1", True),
    ("ERROR", "an error in lower case", False),
    ("ERROR Exception", "[ERROR] Caught IllegalArgumentException", True),
    ("ERROR Exception", "[ERROR] Something else", False),
    ('"INTERNAL SERVER ERROR"', "[ERROR 500] INTERNAL SERVER ERROR", True),
    ('"INTERNAL SERVER ERROR"', "ERROR: INTERNAL SERVER", False),
    (r'"say \"hi\""', 'they say "hi"', True),
    ("?ERROR ?WARN", "ERROR message", True),
    ("?ERROR ?WARN", "WARN message", True),
    ("?ERROR ?WARN", "INFO message", False),
    ("ERROR -WARN", "ERROR message", True),
    ("ERROR -WARN", "ERROR WARN message", False),
    ("-WARN", "INFO message", True),
    ('ERROR -"exit code"', "ERROR exit code 1", False),
    ("?INFO REQUEST", "DEBUG REQUEST", True),
    ("%AUTHORIZED%", "[ERROR 401] UNAUTHORIZED REQUEST", True),
    (r"%\d{1,3}\.\d{1,3}%", "from 10.20", True),
    ("%^ERROR%", "an ERROR", False),
    ("%gray|grey%", "a grey day", True),
]

EVENT = """{"eventType": "UpdateTrail", "sourceIPAddress": "111.111.111.111", "arrayKey": ["value", "another value"],
    "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}], "SomeObject": null, "ThisFlag": true,
    "latency": 500, "ratio": 0.25, "code": "0123", "user": {"id": 1, "email": "John.Stiles@example.com"},
    "users": [{"email": "John.Doe@example.com"}], "coordinates": [[0, 1, 2], [4, 5, 6]], "actions": ["GET", "PUT"],
    "cluster.name": "c"}"""

JSON = [
    ('{ $.eventType = "UpdateTrail" }', True),
    ("{$.eventType=UpdateTrail}", True),
    ("{ $.eventType = Update* }", True),
    ("{ $.eventType = *Trail }", True),
    ('{ $.eventType = "*" }', True),
    ("{ $.eventType = %Tra[il]+% }", True),
    ("{ $.sourceIPAddress != 123.123.* }", True),
    ("{ $.sourceIPAddress != 111.111.* }", False),
    ('{ $.arrayKey[0] = "value" }', True),
    ('{ $.arrayKey[2] = "value" }', False),
    ('{ $.arrayKey[*] = "another value" }', True),
    ("{ $.objectList[1].id = 2 }", True),
    ("{ $.objectList[0].id = 2 }", False),
    ("{ $.SomeObject IS NULL }", True),
    ("{ $.eventType IS NULL }", False),
    ("{ $.SomeOtherObject NOT EXISTS }", True),
    ("{ $.SomeObject NOT EXISTS }", False),
    ("{ $.ThisFlag IS TRUE }", True),
    ("{ $.ThisFlag is false }", False),
    ("{ $.latency = 500 }", True),
    ("{ $.latency = 5e2 }", True),
    ("{ $.latency = 5* }", True),
    ("{ $.latency >= 500 }", True),
    ("{ $.latency > +500 }", False),
    ("{ $.latency < 10e3 }", True),
    ("{ $.ratio <= 10e-3 }", False),
    ("{ $.code = 123 }", False),
    ("{ $.eventType > 1 }", False),
    ("{ $.arrayKey = 1 }", False),
    ("{ $.arrayKey != 1 }", False),
    ("{ $.missing != 1 }", False),
    ("{ $.['cluster.name'] = c }", True),
    ('{ ($.user.id = 1) && ($.users[0].email = "John.Doe@example.com") }', True),
    ('{ ($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET" }', False),
    ('{ $.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch && $.actions[2] = nomatch }', True),
    ('{ ($.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch) && $.actions[2] = no }', False),
]

ACCESS = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /apache_pb.gif HTTP/1.0" 404 1534'
COLUMNS = [
    ("[ip, id, user, timestamp, request, status_code, bytes]", ACCESS, True),
    ("[ip, id, user, timestamp, request, status_code]", ACCESS, False),
    ("[ip, id, user, timestamp, request, status_code = 4*, bytes > 1000]", ACCESS, True),
    ("[ip, id, user, timestamp, request, status_code = 4*, bytes > 2000]", ACCESS, False),
    ("[ip, id, user, timestamp, request =*gif*, status_code, bytes]", ACCESS, True),
    ("[..., status_code = 404, bytes]", ACCESS, True),
    ("[ip, ..., status_code != 404, bytes]", ACCESS, False),
    ("[ip = 127.0.0.1, user, ...]", ACCESS, True),
    ("[ip, id, user, timestamp, request, status_code = 4* && bytes > 1000]", ACCESS, True),
    ("[ip, id, user, timestamp, request, status_code = 4* && status_code != 403, bytes]", ACCESS, True),
    ("[..., request=*.gif*, status_code=4*,]", ACCESS, True),
    ("[ip=%127\\.0\\.0\\.[0-9]%, ...]", ACCESS, True),
    ("[w1=ERROR, w2]", "ERROR message", True),
    ("[w1=ERROR, w2]", "ERROR WARN message", False),
    ("[w1=ERROR || w1=WARN, w2]", "WARN message", True),
    ("[w1=!ERROR&&w1=!WARN, w2]", "INFO message", True),
    ('[w1="a, b", w2]', '"a, b" c', True),
]

INVALID = [
    'open "quote',
    "request-id",
    "ERROR ?",
    "%open",
    "%(a)%",
    "%a{2%%",
    "%a!%",
    "{ $.x = 1",
    "{ x = 1 }",
    "{ $.x }",
    "{ $.x = }",
    "{}",
    "{ $.x = 1 && }",
    "{ ($.x = 1 }",
    "{ $.x IS MAYBE }",
    "{ $.x > abc }",
    "{ $.x[a] = 1 }",
    "{ $.x = 1 } extra",
    "[a",
    "[a = ]",
    "[..., a, ...]",
    "[a ! b]",
    '[a = "x]',
    "{ $.a = %a% && $.b = %b% && $.c = %c% }",
    "{ " + "(" * 300 + "$.x = 1" + ")" * 300 + " }",
]


@pytest.mark.parametrize(("pattern", "message", "expected"), TERMS)
def test_terms(pattern: str, message: str, expected: bool) -> None:
    assert compile_filter(pattern)(message) is expected


@pytest.mark.parametrize(("pattern", "expected"), JSON)
def test_json(pattern: str, expected: bool) -> None:
    assert compile_filter(pattern)(EVENT) is expected


@pytest.mark.parametrize(("pattern", "message", "expected"), COLUMNS)
def test_columns(pattern: str, message: str, expected: bool) -> None:
    assert compile_filter(pattern)(message) is expected


@pytest.mark.parametrize("pattern", INVALID)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidParameterException):
        compile_filter(pattern)


@pytest.mark.parametrize("message", ["plain text", "", "{broken", "[" * 100_000, "12"])
def test_a_json_pattern_passes_over_what_is_not_json(message: str) -> None:
    assert compile_filter("{ $.x NOT EXISTS }")(message) is False


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_a_pattern_or_refused_and_never_anything_else(pattern: str, message: str) -> None:
    try:
        matches = compile_filter(pattern)
    except InvalidParameterException:
        return
    assert matches(message) in (True, False)


@given(st.text(alphabet='$.x[]*{}()=!<>&|%", IS1', max_size=40), st.sampled_from(["{%s}", "[%s]"]))
def test_the_same_for_texts_that_look_like_patterns(inside: str, frame: str) -> None:
    with contextlib.suppress(InvalidParameterException):
        compile_filter(frame.replace("%s", inside))(EVENT)


@given(st.text(min_size=1, max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_a_quoted_phrase_is_found_wherever_it_stands(phrase: str, before: str, after: str) -> None:
    quoted = '"' + phrase.replace("\\", "\\\\").replace('"', '\\"') + '"'
    assert compile_filter(quoted)(before + phrase + after)
    assert not compile_filter("-" + quoted)(before + phrase + after)


SLOW = "%[a-z]*[a-z]*[a-z]*[a-z]*[a-z]*[a-z]*[0-9]%"


@pytest.mark.parametrize("pattern", [SLOW, f"{{ $.a = {SLOW} }}", f"[a = {SLOW}]"])
def test_an_expression_that_goes_back_and_forth_is_given_up(pattern: str) -> None:
    line = "a" * 100_000
    with pytest.raises(InvalidParameterException, match="takes too long"):
        compile_filter(pattern)(json.dumps({"a": line}) if pattern.startswith("{") else line)


def test_many_lines_that_each_take_a_while_are_given_up_too() -> None:
    matches = compile_filter("%[a-z]*[a-z]*[0-9]%")
    with pytest.raises(InvalidParameterException, match="takes too long"):
        for _ in range(100_000):
            matches("a" * 3000)


def test_an_expression_that_would_fill_the_memory_is_refused() -> None:
    with pytest.raises(InvalidParameterException, match="no regular expression"):
        compile_filter("%a{30001}%")


@pytest.mark.parametrize("piece", ["[ ", '" ', '\\" '])
def test_a_line_of_brackets_without_an_end_is_read_once(piece: str) -> None:
    """It would be read a quarter of a million times."""
    assert not compile_filter("[a, b]")(piece * 250_000)
