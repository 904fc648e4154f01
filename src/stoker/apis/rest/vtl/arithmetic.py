"""What Velocity's operators do to values."""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from stoker.apis.rest.vtl import methods
from stoker.apis.rest.vtl.budget import Budget, TemplateError

# Java's long: beyond it a number would be another one, or here grow without a bound.
_MOST = 2**63
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_NUMERIC: Mapping[str, Callable[[Any, Any], Any]] = {"-": operator.sub, "*": operator.mul}


def operate(symbol: str, left: Any, right: Any, budget: Budget) -> Any:
    """The result; None where Velocity has none, such as a division by zero."""
    if symbol in ("==", "!="):
        return equal(left, right) == (symbol == "==")
    if symbol == "+" and (isinstance(left, str) or isinstance(right, str)):
        text = methods.text_of(left) + methods.text_of(right)
        budget.take_text(len(text))
        return text
    if symbol in _COMPARISONS and isinstance(left, str) and isinstance(right, str):
        return _COMPARISONS[symbol](left, right)
    if not _is_number(left) or not _is_number(right):
        return False if symbol in _COMPARISONS else None
    if symbol in _COMPARISONS:
        return _COMPARISONS[symbol](left, right)
    return _calculate(symbol, left, right)


def equal(left: Any, right: Any) -> bool:
    """Numbers by their value, values of one type as they are, others by their text."""
    if left is None or right is None:
        return left is right
    if _is_number(left) and _is_number(right):
        return bool(left == right)
    if type(left) is type(right):
        return methods.same(left, right)
    return methods.text_of(left) == methods.text_of(right)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _calculate(symbol: str, left: Any, right: Any) -> Any:
    if symbol == "+":
        result: Any = left + right
    elif symbol in _NUMERIC:
        result = _NUMERIC[symbol](left, right)
    elif right == 0:
        return None
    else:
        result = _divide(symbol, left, right)
    if abs(result) > _MOST:
        raise TemplateError("a number is too large")
    return result


def _divide(symbol: str, left: Any, right: Any) -> Any:
    """As Java does: towards zero between whole numbers, and a remainder has the sign of what is divided."""
    whole = isinstance(left, int) and isinstance(right, int)
    quotient: Any = abs(left) // abs(right) if whole else left / right
    if whole and (left < 0) != (right < 0):
        quotient = -quotient
    if symbol == "/":
        return quotient
    return left - right * (quotient if whole else int(quotient))
