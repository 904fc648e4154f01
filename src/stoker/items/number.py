"""DynamoDB's numbers: 38 digits, 1E-130 to 9.99E+125, one way to write each, and bytes that sort as they do."""

from decimal import Decimal, InvalidOperation

from stoker.model.errors import ValidationException

MAX_DIGITS = 38
MAX_EXPONENT = 125  # of the first digit
MIN_EXPONENT = -130

_NEGATIVE, _ZERO, _POSITIVE = b"\x00", b"\x01", b"\x02"
_COMPLEMENT = bytes(255 - byte for byte in range(256))


def parse_number(text: str) -> Decimal:
    """A number that DynamoDB takes; raises ValidationException in its words."""
    try:
        # Decimal would also take what is no number on the wire: underscores, spaces, digits of other scripts.
        if not text.isascii() or "_" in text or text != text.strip():
            raise InvalidOperation
        number = Decimal(text)
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite():
        if not text:
            raise ValidationException("The parameter cannot be converted to a numeric value")
        raise ValidationException(f"The parameter cannot be converted to a numeric value: {text}")
    return _within_bounds(number)


def _within_bounds(number: Decimal) -> Decimal:
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    significant = len(digits)
    while significant and digits[significant - 1] == 0:
        significant -= 1
    if not significant:
        return Decimal(0)
    if number.adjusted() > MAX_EXPONENT:
        raise ValidationException(
            "Number overflow. Attempting to store a number with magnitude larger than supported range"
        )
    if number.adjusted() < MIN_EXPONENT:
        raise ValidationException(
            "Number underflow. Attempting to store a number with magnitude smaller than supported range"
        )
    if significant > MAX_DIGITS:
        raise ValidationException("Attempting to store more than 38 significant digits in a Number")
    return Decimal((sign, digits[:significant], exponent + len(digits) - significant))


def canonical(number: Decimal) -> str:
    """How DynamoDB writes it: no exponent, no zeros that say nothing, no negative zero."""
    return format(number, "f")


def add(left: str, right: str, sign: int = 1) -> str:
    """`left + sign * right` of two canonical numbers; ValidationException if it takes more than 38 digits."""
    # Exact: context-free arithmetic on integers scaled to the finer of the two exponents.
    first, second = Decimal(left), Decimal(right)
    exponent = min(_exponent(first), _exponent(second))
    total = _scaled(first, exponent) + sign * _scaled(second, exponent)
    digits = tuple(int(digit) for digit in str(abs(total)))
    return canonical(_within_bounds(Decimal((int(total < 0), digits, exponent))))


def _exponent(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    return exponent


def _scaled(number: Decimal, exponent: int) -> int:
    sign, digits, own = number.as_tuple()
    assert isinstance(own, int)
    value: int = int("".join(map(str, digits))) * 10 ** (own - exponent)
    return -value if sign else value


def key_bytes(text: str) -> bytes:
    """Bytes of a canonical number, such that comparing them byte by byte compares the numbers.

    Sign, the first digit's exponent, then two digits a byte. Trailing zeros are not there, so a number that begins
    with another one's digits is farther from zero: the longer bytes sort higher, or, complemented and ended, lower.
    """
    number = Decimal(text)
    if not number:
        return _ZERO
    digits = "".join(map(str, number.as_tuple().digits)).rstrip("0")
    if len(digits) % 2:
        digits += "0"
    pairs = bytes(int(digits[at : at + 2]) for at in range(0, len(digits), 2))
    magnitude = bytes([number.adjusted() - MIN_EXPONENT]) + pairs
    if number > 0:
        return _POSITIVE + magnitude
    return _NEGATIVE + magnitude.translate(_COMPLEMENT) + b"\xff"


def stored_size(text: str) -> int:
    """About one byte for two significant digits, and one: the documented estimate."""
    digits = text.lstrip("-").replace(".", "").strip("0")
    return (len(digits) + 1) // 2 + 1 + text.startswith("-")
