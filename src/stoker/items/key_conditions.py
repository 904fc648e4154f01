"""Key conditions: which part of a table or an index a query reads. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from stoker.items.attribute_value import AttributeValue
from stoker.items.expression import (
    AllOf,
    AnyOf,
    Between,
    Call,
    Comparison,
    Condition,
    Literal,
    Membership,
    Negation,
    Operand,
    Path,
)
from stoker.items.item_rows import Span
from stoker.items.keys import hash_bytes, range_bytes
from stoker.items.table import Key
from stoker.model.errors import ValidationException

_NOT_SUPPORTED = "Query key condition not supported"


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyTest:
    """What is asked of one key attribute: `operator` is =, <, <=, >, >=, BETWEEN or begins_with."""

    name: str
    operator: str
    values: tuple[AttributeValue, ...]


def key_tests(condition: Condition) -> Mapping[str, KeyTest]:
    """The tests of a KeyConditionExpression by attribute; ValidationException for anything else than those."""
    tests: dict[str, KeyTest] = {}
    for part in _parts(condition):
        test = _test(part)
        if test.name in tests:
            raise ValidationException("KeyConditionExpressions must only contain one condition per key")
        tests[test.name] = test
    return tests


def span_of(tests: Mapping[str, KeyTest], key: Key, types: Mapping[str, str], *, descending: bool) -> Span:
    """The rows that meet the tests, which have to be about this key."""
    if len(tests) > 2:
        raise ValidationException("Conditions can be of length 1 or 2 only")
    for name in key.names[: len(tests)]:
        if name not in tests:
            raise ValidationException(f"Query condition missed key schema element: {name}")
    if len(tests) != len(key.names[: len(tests)]) or not tests:
        raise ValidationException(_NOT_SUPPORTED)
    for test in tests.values():
        _check_values(test, types[test.name])
    if tests[key.hash].operator != "=":
        raise ValidationException(_NOT_SUPPORTED)
    hash_ = hash_bytes(tests[key.hash].values[0])
    span = Span(hash_from=hash_, hash_to=hash_, descending=descending)
    return span if key.range is None or key.range not in tests else _bounded(span, tests[key.range])


def _parts(condition: Condition) -> Iterator[Condition]:
    if isinstance(condition, AllOf):
        for part in condition.parts:
            yield from _parts(part)
    else:
        yield condition


def _test(part: Condition) -> KeyTest:
    match part:
        case Comparison(operator=operator, left=left, right=right) if operator != "<>":
            return KeyTest(name=_name(left), operator=operator, values=(_value(right),))
        case Between(operand=operand, low=low, high=high):
            return KeyTest(name=_name(operand), operator="BETWEEN", values=(_value(low), _value(high)))
        case Call(name="begins_with", operands=(operand, prefix)):
            return KeyTest(name=_name(operand), operator="begins_with", values=(_value(prefix),))
        case AnyOf():
            operator = "OR"
        case Negation():
            operator = "NOT"
        case Membership():
            operator = "IN"
        case Comparison() | Call():
            operator = part.operator if isinstance(part, Comparison) else part.name
    raise ValidationException(
        f"Invalid KeyConditionExpression: Invalid operator used in KeyConditionExpression: {operator}"
    )


def _name(operand: Operand) -> str:
    if isinstance(operand, Path) and isinstance(operand.parts[0], str):
        if len(operand.parts) > 1:
            raise ValidationException(
                "Invalid KeyConditionExpression: KeyConditionExpressions cannot have conditions on nested attributes"
            )
        return operand.parts[0]
    if isinstance(operand, Call):
        raise ValidationException(
            f"Invalid KeyConditionExpression: KeyConditionExpressions cannot contain nested operations: {operand.name}"
        )
    raise ValidationException(_NOT_SUPPORTED)


def _value(operand: Operand) -> AttributeValue:
    if not isinstance(operand, Literal):
        raise ValidationException(_NOT_SUPPORTED)
    value: AttributeValue = operand.value
    return value


def _check_values(test: KeyTest, expected: str) -> None:
    for value in test.values:
        if expected not in value:
            raise ValidationException(
                "One or more parameter values were invalid: Condition parameter type does not match schema type"
            )
        if not value[expected] and test.operator == "=":
            kind = "string" if expected == "S" else "binary"
            raise ValidationException(
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
                f"empty {kind} value. Key: {test.name}"
            )


def _bounded(span: Span, test: KeyTest) -> Span:
    first = range_bytes(test.values[0])
    match test.operator:
        case "=":
            return replace(span, range_from=first, range_to=first)
        case "BETWEEN":
            return replace(span, range_from=first, range_to=range_bytes(test.values[1]))
        case "begins_with":
            return replace(span, range_from=first, range_below=_after_prefix(first))
        case "<":
            return replace(span, range_below=first)
        case "<=":
            return replace(span, range_to=first)
        case ">":
            return replace(span, range_above=first)
    return replace(span, range_from=first)


def _after_prefix(prefix: bytes) -> bytes | None:
    """The first bytes that sort after everything with this prefix; there are none after 0xff."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1]) if kept else None
