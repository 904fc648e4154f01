"""A statement's conditions: operators, and how many of a request's values have to match.

Source: "IAM JSON policy elements: Condition operators" and "Conditions with multiple context keys or values" in the IAM
user guide. Every operator is a positive test of one value; the negated ones hold where it fails for all.
"""

import base64
import binascii
import ipaddress
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from stoker.identity.arn_patterns import ArnPattern
from stoker.identity.moments import parse_moment
from stoker.identity.templates import Context, Template, parse_template

# Whether one value of a request is what one value of a policy asks for; None if that lacks a variable.
Test: TypeAlias = Callable[[str, Context], bool | None]
# A policy's value to its test; raises ValueError for what the operator cannot take.
MakeTest: TypeAlias = Callable[[str, bool], Test]

_NUMBER = re.compile(r"[+-]?\d{1,60}(\.\d{1,60})?", re.ASCII)


class ConditionSyntaxError(ValueError):
    """The operator is none, or its operands are not what it takes."""


class ConditionValueError(ValueError):
    """A value cannot be read as the operator's type."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One operator on one key. `quantifier` is `ForAnyValue`, `ForAllValues` or empty; `key` is in lower case."""

    key: str
    quantifier: str
    negated: bool
    if_exists: bool
    tests: tuple[Test, ...]
    asks_for: frozenset[str]

    def holds(self, context: Context) -> bool | None:
        """None where a variable that it needs is missing and would have decided."""
        values = _values(context.get(self.key))
        if not values:
            if self.quantifier == "ForAllValues" or self.if_exists:
                return True
            return self.negated and self.quantifier != "ForAnyValue"
        found = [self._meets(value, context) for value in values]
        if self.quantifier == "ForAnyValue" or (not self.quantifier and not self.negated):
            return True if True in found else None if None in found else False
        return False if False in found else None if None in found else True

    def _meets(self, value: str, context: Context) -> bool | None:
        unknown = False
        for test in self.tests:
            outcome = test(value, context)
            if outcome:
                return not self.negated
            unknown = unknown or outcome is None
        return None if unknown else self.negated


@dataclass(frozen=True, kw_only=True)
class NullCondition:
    """Whether a key is missing (`true`) or there (`false`)."""

    key: str
    missing: bool
    asks_for: frozenset[str]

    def holds(self, context: Context) -> bool | None:
        return self.missing is not bool(_values(context.get(self.key)))


AnyCondition: TypeAlias = Condition | NullCondition


def parse_conditions(element: Mapping[str, Any], *, variables: bool) -> tuple[AnyCondition, ...]:
    """A statement's Condition element; raises ConditionSyntaxError and ConditionValueError."""
    found: list[AnyCondition] = []
    for name, keys in element.items():
        if not isinstance(keys, Mapping):
            raise ConditionSyntaxError(name)
        for key, given in keys.items():
            found.append(_parse_condition(name, key.lower(), _operands(given), variables))
    return tuple(found)


def is_well_shaped(element: Any) -> bool:
    """Whether a Condition element has operators that there are, and operands of a type that they take."""
    if not isinstance(element, Mapping) or not all(isinstance(keys, Mapping) for keys in element.values()):
        return False
    try:
        for name, keys in element.items():
            for given in keys.values():
                _operands(given)
                _operator(name)
    except ConditionSyntaxError:
        return False
    return True


def _operator(name: str) -> tuple[str, str, bool]:
    """A quantifier or nothing, an operator, and whether it is one with IfExists."""
    quantifier, colon, rest = name.rpartition(":")
    plain = rest if rest == "Null" else rest.removesuffix("IfExists")
    if (colon and quantifier not in ("ForAnyValue", "ForAllValues")) or plain not in (*_OPERATORS, "Null"):
        raise ConditionSyntaxError(name)
    return quantifier, plain, plain != rest


def _parse_condition(name: str, key: str, operands: Sequence[str], variables: bool) -> AnyCondition:
    quantifier, plain, if_exists = _operator(name)
    if plain == "Null":
        return NullCondition(key=key, missing="true" in map(str.lower, operands), asks_for=frozenset([key]))
    make, negated = _OPERATORS[plain]
    try:
        tests = tuple(make(operand, variables) for operand in operands)
    except ValueError as error:
        raise ConditionValueError(str(error)) from error
    asks_for = frozenset([key]).union(*(getattr(test, "keys", frozenset()) for test in tests))
    return Condition(
        key=key, quantifier=quantifier, negated=negated, if_exists=if_exists, tests=tests, asks_for=asks_for
    )


def _operands(given: Any) -> list[str]:
    """IAM takes true and 1 for "true" and "1"."""
    operands = given if isinstance(given, list) else [given]
    if not all(isinstance(operand, str | bool | int | float) for operand in operands):
        raise ConditionSyntaxError("values")
    return [str(operand).lower() if isinstance(operand, bool) else str(operand) for operand in operands]


def _values(given: str | Sequence[str] | None) -> Sequence[str]:
    if given is None:
        return ()
    return (given,) if isinstance(given, str) else given


@dataclass(frozen=True, slots=True)
class _TextTest:
    """String operators: exact, or with wildcards."""

    template: Template
    folded: bool = False

    @property
    def keys(self) -> frozenset[str]:
        return self.template.keys

    def __call__(self, value: str, context: Context) -> bool | None:
        if self.folded:
            value, context = value.lower(), _folded(context) if self.keys else context
        matcher = self.template.matcher(context)
        return None if matcher is None else matcher(value)


def _folded(context: Context) -> Context:
    return {key: value.lower() for key, value in context.items() if isinstance(value, str)}


@dataclass(frozen=True, slots=True)
class _ArnTest:
    pattern: ArnPattern

    @property
    def keys(self) -> frozenset[str]:
        return self.pattern.whole.keys

    def __call__(self, value: str, context: Context) -> bool | None:
        return self.pattern.matches(value, context)


def _equals(operand: str, variables: bool) -> Test:
    return _TextTest(parse_template(operand, wildcards=False, variables=variables))


def _equals_folded(operand: str, variables: bool) -> Test:
    return _TextTest(parse_template(operand.lower(), wildcards=False, variables=variables), folded=True)


def _like(operand: str, variables: bool) -> Test:
    return _TextTest(parse_template(operand, wildcards=True, variables=variables))


def _arn_like(operand: str, variables: bool) -> Test:
    return _ArnTest(ArnPattern.of(parse_template(operand, wildcards=True, variables=variables)))


def _compared(read: Callable[[str], Any], compare: Callable[[Any, Any], bool]) -> MakeTest:
    """A test that reads both sides and compares them; what a request has and cannot be read matches nothing."""

    def make(operand: str, _variables: bool) -> Test:
        wanted = read(operand)
        if wanted is None:
            raise ValueError(operand)

        def test(value: str, _context: Context) -> bool:
            has = read(value)
            return has is not None and compare(has, wanted)

        return test

    return make


def _number(text: str) -> Decimal | None:
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def _truth(text: str) -> str:
    return text.lower()


def _bytes(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _in_network(operand: str, _variables: bool) -> Test:
    network = ipaddress.ip_network(operand, strict=False)

    def test(value: str, _context: Context) -> bool:
        try:
            return ipaddress.ip_address(value) in network
        except ValueError:
            return False

    return test


def _operators() -> dict[str, tuple[MakeTest, bool]]:
    """Each operator's test, and whether it is the negation of it."""
    table: dict[str, tuple[MakeTest, bool]] = {
        "StringEquals": (_equals, False),
        "StringNotEquals": (_equals, True),
        "StringEqualsIgnoreCase": (_equals_folded, False),
        "StringNotEqualsIgnoreCase": (_equals_folded, True),
        "StringLike": (_like, False),
        "StringNotLike": (_like, True),
        "ArnEquals": (_arn_like, False),
        "ArnLike": (_arn_like, False),
        "ArnNotEquals": (_arn_like, True),
        "ArnNotLike": (_arn_like, True),
        "Bool": (_compared(_truth, operator.eq), False),
        "BinaryEquals": (_compared(_bytes, operator.eq), False),
        "IpAddress": (_in_network, False),
        "NotIpAddress": (_in_network, True),
    }
    for prefix, read in (("Numeric", _number), ("Date", parse_moment)):
        table[f"{prefix}Equals"] = (_compared(read, operator.eq), False)
        table[f"{prefix}NotEquals"] = (_compared(read, operator.eq), True)
        table[f"{prefix}LessThan"] = (_compared(read, operator.lt), False)
        table[f"{prefix}LessThanEquals"] = (_compared(read, operator.le), False)
        table[f"{prefix}GreaterThan"] = (_compared(read, operator.gt), False)
        table[f"{prefix}GreaterThanEquals"] = (_compared(read, operator.ge), False)
    return table


_OPERATORS: Mapping[str, tuple[MakeTest, bool]] = _operators()
