"""What a handler's answer looks like to its caller."""

import json
import time

import pytest
from node_function import ARN, Event, Load


def test_an_async_handler_answers_with_what_it_returns(serve: Load) -> None:
    function = serve("exports.handler = async (event) => ({ got: event.n + 1 })")
    answer = function.invoke({"n": 41}, id="an-id")
    assert (answer.kind, answer.id, answer.json) == ("response", "an-id", {"got": 42})


def test_globals_survive_from_one_invocation_to_the_next(serve: Load) -> None:
    function = serve("let calls = 0; exports.handler = async () => ++calls")
    assert [function.invoke().json for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize("result", ["undefined", "null", "() => 1", "Symbol()"])
def test_a_result_that_has_no_json_is_null(serve: Load, result: str) -> None:
    assert serve(f"exports.handler = async () => ({result})").invoke().body == b"null"


@pytest.mark.parametrize("result", ["10n", "(() => { const o = {}; o.o = o; return o })()"])
def test_a_result_that_json_cannot_hold_is_an_error(serve: Load, result: str) -> None:
    function = serve(f"exports.handler = async (event) => event ?? {result}")
    answer = function.invoke()
    assert (answer.kind, answer.error_type) == ("error", "Error")
    assert answer.json["errorMessage"] == "Unable to stringify response body"
    assert function.invoke("still here").json == "still here"


def test_text_beyond_ascii_arrives_whole(serve: Load) -> None:
    assert serve("exports.handler = async (e) => e + '…'").invoke("žluťoučký 🐎").json == "žluťoučký 🐎…"


def test_six_megabytes_go_in_and_out(serve: Load) -> None:
    function = serve("exports.handler = async (event) => event")
    payload = "é" * 3_000_000
    assert function.invoke(payload).json == payload
    assert function.invoke(1).json == 1


def test_a_callback_handler_answers_through_its_callback(serve: Load) -> None:
    function = serve("exports.handler = (event, context, callback) => callback(null, event)")
    assert [function.invoke(n).json for n in range(3)] == [0, 1, 2]


def test_a_callback_s_answer_waits_for_the_event_loop_to_run_empty(serve: Load) -> None:
    function = serve("""exports.handler = (event, context, callback) => {
        const result = { late: false };
        setTimeout(() => { result.late = true }, 30);
        callback(null, result);
    }""")
    assert function.invoke().json == {"late": True}


def test_a_callback_s_answer_goes_at_once_if_the_context_says_so(serve: Load) -> None:
    function = serve("""exports.handler = (event, context, callback) => {
        context.callbackWaitsForEmptyEventLoop = false;
        setInterval(() => {}, 3600000);
        callback(null, 'now');
    }""")
    assert [function.invoke().json, function.invoke().json] == ["now", "now"]


def test_a_callback_s_error_goes_at_once(serve: Load) -> None:
    function = serve("""exports.handler = (event, context, callback) => {
        setInterval(() => {}, 3600000);
        callback(new RangeError('too far'));
    }""")
    assert function.invoke().json["errorType"] == "RangeError"


def test_only_the_first_answer_counts(serve: Load) -> None:
    function = serve("""exports.handler = (event, context, callback) => {
        callback(null, 'first'); callback(new Error('second')); context.succeed('third');
    }""")
    assert [function.invoke().json, function.invoke().json] == ["first", "first"]


@pytest.mark.parametrize(
    ("call", "kind", "told"),
    [
        ("succeed('yes')", "response", '"yes"'),
        ("done(null, 'yes')", "response", '"yes"'),
        ("fail(new Error('no'))", "error", "no"),
        ("done('no')", "error", "no"),
        ("fail()", "error", "handled"),
    ],
)
def test_the_old_context_methods_answer_too(serve: Load, call: str, kind: str, told: str) -> None:
    answer = serve(f"exports.handler = (event, context) => {{ setInterval(() => {{}}, 1e6); context.{call} }}").invoke()
    assert answer.kind == kind
    assert (answer.json["errorMessage"] if kind == "error" else answer.body.decode()) == told


def test_a_plain_handler_that_never_calls_back_answers_null_when_nothing_is_left_to_do(serve: Load) -> None:
    function = serve("exports.handler = (event, context, callback) => { setTimeout(() => {}, 20); return 'ignored' }")
    assert [function.invoke().body, function.invoke().body] == [b"null", b"null"]


def test_an_async_handler_that_never_settles_is_an_error(serve: Load) -> None:
    function = serve("exports.handler = async (event) => event ?? new Promise(() => {})")
    assert function.invoke().json["errorType"] == "Runtime.NodeJsExit"
    assert function.invoke("next").json == "next"


def test_an_error_has_its_type_its_message_and_a_trace(serve: Load) -> None:
    function = serve("class Odd extends Error { name = 'Odd' }\nexports.handler = async () => { throw new Odd('hm') }")
    answer = function.invoke(id="an-id")
    assert (answer.kind, answer.id, answer.error_type) == ("error", "an-id", "Odd")
    assert answer.json["errorMessage"] == "hm"
    assert "index.js:2" in answer.json["trace"][1]


@pytest.mark.parametrize(("thrown", "type"), [("'words'", "string"), ("42", "number"), ("undefined", "string")])
def test_a_thrown_value_that_is_no_error_is_told_by_its_type(serve: Load, thrown: str, type: str) -> None:
    answer = serve(f"exports.handler = async () => {{ throw {thrown} }}").invoke()
    assert (answer.error_type, answer.json["trace"]) == (type, [])


def test_an_error_that_cannot_be_read_is_still_an_error(serve: Load) -> None:
    function = serve("exports.handler = async (e) => { throw { get name() { throw 1 }, toString() { throw 2 } } }")
    assert function.invoke().error_type == "handled"


def test_a_handler_that_throws_before_its_first_await_fails_only_that_invocation(serve: Load) -> None:
    function = serve(
        "exports.handler = (event) => { if (event === 0) throw new Error('zero'); return Promise.resolve(1) }"
    )
    assert function.invoke(0).json["errorMessage"] == "zero"
    assert function.invoke(1).json == 1


def test_a_payload_that_is_not_json_is_an_error_of_that_invocation(serve: Load) -> None:
    function = serve("exports.handler = async (event) => event")
    function.platform.deliver(Event(payload=b"{nonsense"))
    assert function.platform.answer().error_type == "SyntaxError"
    assert function.invoke("next").json == "next"


def test_the_context_tells_who_and_where(serve: Load) -> None:
    function = serve("exports.handler = async (event, context) => context")
    assert function.invoke(id="an-id", client_context='{"a":1}', cognito_identity='{"b":2}').json == {
        "callbackWaitsForEmptyEventLoop": True,
        "functionVersion": "$LATEST",
        "functionName": "hello",
        "memoryLimitInMB": "128",
        "logGroupName": "/aws/lambda/hello",
        "logStreamName": "2026/01/01/[$LATEST]0123456789abcdef",
        "clientContext": {"a": 1},
        "identity": {"b": 2},
        "invokedFunctionArn": ARN,
        "awsRequestId": "an-id",
    }


def test_a_client_context_that_is_not_json_is_an_error(serve: Load) -> None:
    answer = serve("exports.handler = async () => 1").invoke(client_context="{")
    assert answer.json["errorMessage"].startswith("Cannot parse ClientContext as json")


def test_the_remaining_time_counts_down_to_the_deadline(serve: Load) -> None:
    function = serve("exports.handler = async (e, context) => [context.getRemainingTimeInMillis(), Date.now()]")
    deadline = int(time.time() * 1000) + 60_000
    remaining, now = function.invoke(deadline_ms=deadline).json
    assert deadline - now <= remaining <= 60_000


def test_the_trace_id_is_that_of_the_invocation(serve: Load) -> None:
    function = serve("exports.handler = async () => process.env._X_AMZN_TRACE_ID")
    assert function.invoke(trace_id="Root=1-5759e988").json == "Root=1-5759e988"
    assert function.invoke().body == json.dumps(None).encode()
