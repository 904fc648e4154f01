"""Errors in one line: what happened and what to do."""

from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    ParamValidationError,
    ProfileNotFound,
    ReadTimeoutError,
)

from stoker.cli.failures import CliError, explain


def answered(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Invoke")


def test_a_server_that_is_not_there_says_how_to_start_it() -> None:
    line = explain(EndpointConnectionError(endpoint_url="http://127.0.0.1:4566/x"))
    assert line is not None and "127.0.0.1:4566" in line and "stoker up" in line


def test_a_wrong_key_says_how_to_get_the_right_one() -> None:
    line = explain(answered("InvalidSignatureException", "The request signature we calculated does not match"))
    assert line is not None and "stoker credentials --export" in line and "does not match." in line


def test_a_missing_function_keeps_the_servers_words_and_says_where_to_look() -> None:
    line = explain(answered("ResourceNotFoundException", "Function not found: f"))
    assert line == "Function not found: f. `stoker list` shows the functions that there are."


def test_an_error_without_advice_shows_its_code_and_message() -> None:
    assert explain(answered("Odd", "Something {strange}.")) == "Odd: Something {strange}."


def test_other_client_failures_are_one_line() -> None:
    invalid = ParamValidationError(report="Invalid value for parameter MemorySize")
    for error in (ProfileNotFound(profile="x"), ReadTimeoutError(endpoint_url="http://e"), invalid):
        line = explain(error)
        assert line is not None and "\n" not in line


def test_a_file_that_is_not_there_is_named() -> None:
    assert explain(FileNotFoundError(2, "No such file or directory", "event.json")) == (
        "event.json: No such file or directory"
    )


def test_our_own_words_are_shown_as_they_are_and_mistakes_are_told_apart() -> None:
    assert explain(CliError("so it is")) == "so it is"
    assert explain(ZeroDivisionError()) is None
