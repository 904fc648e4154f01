"""The operators of event patterns: `{"prefix": "a"}` and the like as tests of one plain JSON value. Pure."""

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

OPERATORS = frozenset(
    {"prefix", "suffix", "anything-but", "numeric", "exists", "cidr", "equals-ignore-case", "wildcard", "exactly"}
)
"""EventBridge's; other services know fewer."""
MIN_NUMBER, MAX_NUMBER = -5.0e9, 5.0e9

Test = Callable[[Any], bool]


class PatternError(ValueError):
    """A pattern that is not valid; its text is AWS's reason."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Operator:
    """One `{"name": operand}`."""

    name: str
    operand: Any

    @classmethod
    def of(cls, document: Mapping[str, Any], known: frozenset[str]) -> "Operator":
        if not document:
            raise PatternError("Match expression name not found")
        name, operand = next(iter(document.items()))
        if name not in known:
            raise PatternError(f"Unrecognized match type {name}")
        if len(document) > 1:
            raise PatternError("Only one key allowed in match expression")
        if name == "exists" and not isinstance(operand, bool):
            raise PatternError("exists match pattern must be either true or false.")
        return cls(name=name, operand=operand)

    @property
    def means_absence(self) -> bool:
        return self.name == "exists" and self.operand is False


def exactly(value: Any) -> tuple[type, Any]:
    """A plain value in a form that is equal for those that patterns take for equal: 1 and 1.0, but not 1 and true."""
    kind = type(value)
    return (float if kind is int else kind), value


def compile_test(operator: Operator) -> Test:
    """The test of a value. Raises PatternError."""
    name, operand = operator.name, operator.operand
    match name:
        case "prefix" | "suffix":
            return _affix(name, operand)
        case "numeric":
            return _numeric(operand)
        case "anything-but":
            return _anything_but(operand)
        case "cidr":
            return _cidr(operand)
        case "exists":
            return lambda value: True
        case "wildcard":
            return _wildcard(operand)
        case "equals-ignore-case":
            return _ignore_case(operand)
        case _:
            wanted = _text(operand, "exact match")
            return lambda value: bool(value == wanted)


def _text(operand: Any, what: str) -> str:
    if not isinstance(operand, str):
        raise PatternError(f"{what} pattern must be a string")
    return operand


def _affix(name: str, operand: Any) -> Test:
    if isinstance(operand, dict):
        inner = Operator.of(operand, frozenset({"equals-ignore-case"}))
        wanted = _text(inner.operand, "equals-ignore-case match").lower()
        if name == "prefix":
            return lambda value: isinstance(value, str) and value.lower().startswith(wanted)
        return lambda value: isinstance(value, str) and value.lower().endswith(wanted)
    text = _text(operand, f"{name} match")
    if name == "prefix":
        return lambda value: isinstance(value, str) and value.startswith(text)
    return lambda value: isinstance(value, str) and value.endswith(text)


def _ignore_case(operand: Any) -> Test:
    wanted = _text(operand, "equals-ignore-case match").lower()
    return lambda value: isinstance(value, str) and value.lower() == wanted


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(operand: Any, operator: str) -> float:
    if not _is_number(operand):
        raise PatternError(f"Value of {operator} must be numeric")
    if not MIN_NUMBER <= operand <= MAX_NUMBER:
        raise PatternError("Value must be between -5.0E9 and 5.0E9, inclusive")
    return float(operand)


_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "=": lambda value, bound: value == bound,
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
}


def _numeric(operand: Any) -> Test:
    if not isinstance(operand, list):
        raise PatternError("Value of numeric must be an array.")
    if not operand or not isinstance(operand[0], str):
        raise PatternError(f"Invalid member in numeric match: {operand[0] if operand else ']'}")
    operator, rest = operand[0], operand[1:]
    if operator not in _COMPARISONS:
        raise PatternError(f"Unrecognized numeric range operator: {operator}")
    bound = _number(rest[0] if rest else None, "equals" if operator == "=" else operator)
    first = _COMPARISONS[operator]
    if len(rest) == 1:
        return lambda value: _in_range(value) and first(value, bound)
    if operator not in (">", ">="):
        raise PatternError("Too many elements in numeric expression")
    second, top = _upper_bound(rest[1:], bound)
    return lambda value: _in_range(value) and first(value, bound) and second(value, top)


def _upper_bound(rest: Sequence[Any], bottom: float) -> tuple[Callable[[float, float], bool], float]:
    operator = rest[0]
    if not isinstance(operator, str):
        raise PatternError(f"Bad value in numeric range: {operator}")
    if operator not in ("<", "<="):
        raise PatternError(f"Bad numeric range operator: {operator}")
    top = _number(rest[1] if len(rest) > 1 else None, operator)
    if len(rest) > 2:
        raise PatternError("Too many terms in numeric range expression")
    if top <= bottom:
        raise PatternError("Bottom must be less than top")
    return _COMPARISONS[operator], top


def _in_range(value: Any) -> bool:
    return _is_number(value) and bool(MIN_NUMBER <= value <= MAX_NUMBER)


def _anything_but(operand: Any) -> Test:
    if isinstance(operand, dict):
        return _anything_but_like(operand)
    values = operand if isinstance(operand, list) else [operand]
    if not isinstance(operand, list | str) and not _is_number(operand):
        raise PatternError("Value of anything-but must be an array or single string/number value.")
    if not all(isinstance(value, str) or _is_number(value) for value in values):
        raise PatternError("Inside anything but list, start|null|boolean is not supported.")
    if len({isinstance(value, str) for value in values}) != 1:
        raise PatternError(
            "Inside anything but list, either all values are number or string, mixed type is not supported"
        )
    refused = {exactly(value) for value in values}
    return lambda value: exactly(value) not in refused


_LIKE: Mapping[str, Callable[[Any], Test]] = {
    "prefix": lambda operand: _affix("prefix", operand),
    "suffix": lambda operand: _affix("suffix", operand),
    "equals-ignore-case": lambda operand: _ignore_case(operand),
    "wildcard": lambda operand: _wildcard(operand),
}


def _anything_but_like(operand: Mapping[str, Any]) -> Test:
    if not operand:
        raise PatternError("Anything-But expression name not found")
    name, inner = next(iter(operand.items()))
    if name not in _LIKE:
        raise PatternError(f"Unsupported anything-but pattern: {name}")
    if len(operand) > 1:
        raise PatternError("Only one key allowed in match expression")
    texts = inner if isinstance(inner, list) else [inner]
    if not texts:
        raise PatternError("Empty arrays are not allowed")
    if name in ("prefix", "suffix") and "" in texts:
        raise PatternError("Null prefix/suffix not allowed")
    tests = [_LIKE[name](text) for text in texts]
    return lambda value: not any(test(value) for test in tests)


def _wildcard(operand: Any) -> Test:
    """Matched part by part from the left, which takes no longer for many wildcards; a regex would."""
    parts = _wildcard_parts(_text(operand, "wildcard match"))
    if len(parts) == 1:
        return lambda value: bool(value == parts[0])
    first, *middle, last = parts

    def matches(value: Any) -> bool:
        if not isinstance(value, str) or len(value) < len(first) + len(last):
            return False
        if not value.startswith(first) or not value.endswith(last):
            return False
        at, end = len(first), len(value) - len(last)
        for part in middle:
            found = value.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
        return True

    return matches


_WILDCARD_PIECE = re.compile(r"\\(?P<escaped>[*\\])|(?P<wrong>\\|\*(?=\*))|\*|[^*\\]+")


def _wildcard_parts(text: str) -> Sequence[str]:
    r"""What is between the wildcards; `\*` and `\\` are not one."""
    parts, part = list[str](), list[str]()
    for found in _WILDCARD_PIECE.finditer(text):
        # AWS counts the bytes of the value in its quotes.
        if found["wrong"]:
            position = len(text[: found.start()].encode(errors="replace")) + 1
            what = "Invalid escape character" if found["wrong"] == "\\" else "Consecutive wildcard characters"
            raise PatternError(f"{what} at pos {position}")
        if found[0] == "*":
            parts.append("".join(part))
            part = []
        else:
            part.append(found["escaped"] or found[0])
    return [*parts, "".join(part)]


def _cidr(operand: Any) -> Test:
    # AWS says "prefix" here, too.
    text = _text(operand, "prefix match")
    address, slash, bits = text.partition("/")
    if not slash or "/" in bits:
        raise PatternError("Malformed CIDR, one '/' required")
    if not bits.lstrip("-").isdecimal() or not bits.isascii():
        raise PatternError("Malformed CIDR, mask bits must be an integer")
    if int(bits) < 0:
        raise PatternError("Malformed CIDR, mask bits must not be negative")
    known = _address(address)
    if known is None:
        raise PatternError(f"Nonstandard IP address: {address}")
    if int(bits) > known.max_prefixlen:
        raise PatternError(f"IPv{known.version} mask bits must be < {known.max_prefixlen}")
    network = ipaddress.ip_network(f"{address}/{bits}", strict=False)

    def matches(value: Any) -> bool:
        found = _address(value) if isinstance(value, str) else None
        return found is not None and found in network

    return matches


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
