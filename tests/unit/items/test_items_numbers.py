"""Numbers at 38 digits: written in one way, added exactly, and sorted by their bytes."""

from decimal import Context, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.items.number import add, canonical, key_bytes, parse_number
from stoker.model.errors import ValidationException

WIDE = Context(prec=400, Emax=999, Emin=-999)


@st.composite
def numbers(draw: st.DrawFn) -> Decimal:
    digits = draw(st.integers(-(10**38) + 1, 10**38 - 1))
    exponent = draw(st.integers(-130, 87) | st.integers(-3, 3))
    number = Decimal(digits).scaleb(exponent, WIDE)
    return number if -130 <= number.adjusted() <= 125 else Decimal(digits)


def told(number: Decimal) -> str:
    return canonical(parse_number(str(number)))


@given(numbers())
def test_a_number_has_one_form_which_is_exact(number: Decimal) -> None:
    text = told(number)
    assert Decimal(text) == number
    assert told(Decimal(text)) == text
    assert "E" not in text and text not in ("-0", "")


@given(numbers(), numbers())
def test_numbers_sort_by_their_bytes(one: Decimal, other: Decimal) -> None:
    first, second = key_bytes(told(one)), key_bytes(told(other))
    assert (first < second) == (one < other)
    assert (first == second) == (one == other)


@given(numbers(), numbers(), st.sampled_from([1, -1]))
def test_sums_are_exact_or_refused(one: Decimal, other: Decimal, sign: int) -> None:
    with localcontext(WIDE):
        exact = one + sign * other
        digits = len(exact.normalize(WIDE).as_tuple().digits)
    fits = not exact or (digits <= 38 and -130 <= exact.adjusted() <= 125)
    if fits:
        assert Decimal(add(told(one), told(other), sign)) == exact
    else:
        with pytest.raises(ValidationException):
            add(told(one), told(other), sign)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The parameter cannot be converted to a numeric value"),
        ("1_000", "The parameter cannot be converted to a numeric value: 1_000"),
        ("NaN", "The parameter cannot be converted to a numeric value: NaN"),
        ("1e126", "Number overflow. Attempting to store a number with magnitude larger than supported range"),
        ("1e-131", "Number underflow. Attempting to store a number with magnitude smaller than supported range"),
        ("1" * 39, "Attempting to store more than 38 significant digits in a Number"),
    ],
)
def test_what_is_no_number_is_refused_in_dynamodb_s_words(text: str, message: str) -> None:
    with pytest.raises(ValidationException) as caught:
        parse_number(text)
    assert caught.value.message == message
