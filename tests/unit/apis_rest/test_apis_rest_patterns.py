"""Regular expressions of others: what they take to be compiled, and to be used."""

import pytest

from stoker.model.limited_regex import MOST_ATOMS, Pattern, PatternError, PatternTimeoutError


@pytest.mark.parametrize(
    "text",
    [
        "((a{1000}){1000}){1000}",
        "((a{1000}){1000,}){1000,2000}",
        "(?:(?:[)]{1000}){1000}){1000}",
        r"((\){1000}){1000}){1000}",
        "(([]a]{1000}){1000}){1000}",
        "(([^]a]{1000}){1000}){1000}",
        "a{99999999999999999999}",
        "a{1000000}",
        "[" * 1_000_000,
        "(" * 16 + "a" + "){2,}" * 16,
        "(" * 24 + "a" + ")+" * 24,
        "((a{1000})*{1000})+{1000}",
        "((a{1000}){,5}{1000}){e<=1}{1000}",
        "(a|b){200000}",
        # What would hide how large the rest is.
        "((a{1000}(?#()){1000}(?#()){1000}",
        "(?x)((a{1000} # (\n){1000} # (\n){1000}",
        "(?ix)((a{1000} # (\n){1000} # (\n){1000}",
        "(?V1)((a{1000}[[b](]){1000}[[b](]){1000}",
    ],
)
def test_an_expression_that_takes_all_memory_to_be_compiled_is_refused(text: str) -> None:
    with pytest.raises(PatternError):
        Pattern(text)


@pytest.mark.parametrize(
    ("text", "matching"),
    [
        (r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", "01234567-89ab-cdef-0123-456789abcdef"),
        (r"\d{4}-\d{2}-\d{2}T(\d{2}:){2}\d{2}", "2026-11-23T18:12:00"),
        (r".*\{\"error\": [(]{1,3}.*", 'x {"error": ((y'),
        (r"(?i)(?<word>[a-z]{1,5000})\1", "abab"),
        ("a{" + str(MOST_ATOMS - 1) + "}", "a" * (MOST_ATOMS - 1)),
        (r"((a{10}){10}){10}", "a" * 1000),
        (r"[]\]]{2}\\{1}", "]]\\"),
    ],
)
def test_what_people_write_is_compiled(text: str, matching: str) -> None:
    assert Pattern(text).matches(matching)


def test_a_match_that_would_never_end_ends() -> None:
    with pytest.raises(PatternTimeoutError):
        Pattern("(a|aa)+$").matches("a" * 200 + "!")
