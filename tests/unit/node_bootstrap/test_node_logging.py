"""What the function's console writes into its log."""

import json
import re

import pytest
from node_function import Load

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def test_a_text_record_has_its_time_its_request_and_its_level(serve: Load) -> None:
    function = serve("exports.handler = async () => { console.log('n is %d', 3, { a: 1 }) }")
    function.invoke(id="an-id")
    assert re.fullmatch(rf"{TIME}\tan-id\tINFO\tn is 3 {{ a: 1 }}", function.log()[0])


def test_lines_within_a_record_stay_one_event(serve: Load) -> None:
    function = serve("exports.handler = async () => { console.log('one\\ntwo') }")
    function.invoke()
    assert [line.split("\t")[-1] for line in function.log()] == ["one\rtwo"]


def test_every_method_has_its_level(serve: Load) -> None:
    methods = ["trace", "debug", "info", "log", "warn", "error", "fatal"]
    function = serve(f"exports.handler = async () => {{ for (const m of {methods}) console[m](m) }}")
    function.invoke()
    levels = [line.split("\t")[2] for line in function.log()]
    assert levels == ["TRACE", "DEBUG", "INFO", "INFO", "WARN", "ERROR", "FATAL"]


def test_records_below_the_level_are_left_out(serve: Load) -> None:
    source = "exports.handler = async () => { console.info('i'); console.warn('w'); console.error('e') }"
    function = serve(source, AWS_LAMBDA_LOG_LEVEL="warn", AWS_LAMBDA_LOG_FORMAT="JSON")
    function.invoke()
    assert [json.loads(line)["message"] for line in function.log()] == ["w", "e"]


def test_init_logs_before_the_first_event_without_a_request(serve: Load) -> None:
    function = serve("console.log('loading'); exports.handler = async () => 1")
    assert function.log()[0].endswith("\tundefined\tINFO\tloading")


def test_a_failure_is_logged_with_its_own_members(serve: Load) -> None:
    source = "exports.handler = async () => { throw Object.assign(new TypeError('no'), { code: 'E1', extra: 2 }) }"
    function = serve(source)
    function.invoke(id="an-id")
    headline, line = function.log()[0].split("\tERROR\t")[1].split(" \t")
    logged = json.loads(line)
    assert headline == "Invoke Error"
    assert (logged["errorType"], logged["errorMessage"], logged["code"], logged["extra"]) == (
        "TypeError",
        "no",
        "E1",
        2,
    )
    assert logged["stack"][0] == "TypeError: no"


def test_an_uncaught_exception_is_logged_as_one(load: Load) -> None:
    function = load("throw new Error('at once')")
    function.exit_code()
    assert "\tERROR\tUncaught Exception \t{" in function.log()[0]


def test_a_json_record_is_an_object_a_line(serve: Load) -> None:
    function = serve("exports.handler = async () => { console.warn('n is %d', 3) }", AWS_LAMBDA_LOG_FORMAT="JSON")
    function.invoke(id="an-id")
    record = json.loads(function.log()[0])
    assert re.fullmatch(TIME, record.pop("timestamp"))
    assert record == {"level": "WARN", "requestId": "an-id", "message": "n is 3"}


@pytest.mark.parametrize(
    ("value", "message"), [("{ a: [1] }", {"a": [1]}), ("10n", "10n"), ("undefined", None), ("'a\\nb'", "a\nb")]
)
def test_a_lone_value_keeps_its_shape_in_json(serve: Load, value: str, message: object) -> None:
    function = serve(f"exports.handler = async () => {{ console.log({value}) }}", AWS_LAMBDA_LOG_FORMAT="JSON")
    function.invoke()
    assert json.loads(function.log()[0]).get("message") == message


@pytest.mark.parametrize("arguments", ["error", "'it failed', error"])
def test_an_error_in_a_json_record_is_readable(serve: Load, arguments: str) -> None:
    source = f"exports.handler = async () => {{ const error = new RangeError('far'); console.error({arguments}) }}"
    function = serve(source, AWS_LAMBDA_LOG_FORMAT="JSON")
    function.invoke()
    record = json.loads(function.log()[0])
    shown = record["message"] if arguments == "error" else record
    assert (shown["errorType"], shown["errorMessage"]) == ("RangeError", "far")
    assert shown["stackTrace"][0] == "RangeError: far"


def test_a_failure_is_a_json_record_too(serve: Load) -> None:
    function = serve("exports.handler = async () => { throw new Error('no') }", AWS_LAMBDA_LOG_FORMAT="JSON")
    function.invoke()
    record = json.loads(function.log()[0])
    assert (record["level"], record["message"]["errorMessage"]) == ("ERROR", "no")


def test_a_record_larger_than_the_pipe_arrives_whole(serve: Load) -> None:
    # process.stdout makes the pipe non-blocking; the records after that have to wait for the reader.
    function = serve("""exports.handler = async () => {
        process.stdout.write('raw\\n'); console.log('x'.repeat(1 << 20)); return 1
    }""")
    assert function.invoke().json == 1
    assert [len(line.split("\t")[-1]) for line in function.log()] == [3, 1 << 20]
