"""The models' patterns, which are Java's."""

import pytest
from botocore.loaders import Loader

from stoker.wire.patterns import UnsupportedPatternError, to_python


@pytest.mark.parametrize("service", ["lambda", "logs", "sts", "iam", "s3", "sqs", "sns", "kinesis", "scheduler"])
def test_every_pattern_of_a_served_model_has_a_meaning_here(service: str) -> None:
    shapes = Loader().load_service_model(service, "service-2")["shapes"].values()
    for pattern in {shape["pattern"] for shape in shapes if "pattern" in shape}:
        to_python(pattern)


@pytest.mark.parametrize("text", ["größe", "١٢", "a b", "x_.:/=+-@", "中", "½"])
def test_unicode_letters_separators_and_numbers_pass(text: str) -> None:
    assert to_python(r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*").fullmatch(text)


@pytest.mark.parametrize("text", ["a\nb", "a\tb", "#", "☃", "a&b"])
def test_controls_and_symbols_do_not(text: str) -> None:
    assert not to_python(r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*").fullmatch(text)


def test_a_hyphen_after_a_class_is_a_hyphen() -> None:
    assert to_python(r"[\w-_]*").fullmatch("a-b_c")
    assert not to_python(r"[\w-_]*").fullmatch("a.b")


def test_a_pattern_without_a_known_meaning_is_an_error_and_not_a_guess() -> None:
    with pytest.raises(UnsupportedPatternError):
        to_python(r"\p{Print}+")
