"""The parameters from before expressions (Expected, QueryFilter, AttributeUpdates, …), as expressions."""

from collections.abc import Mapping, Sequence
from typing import Any

from stoker.items.attribute_value import ORDERED_TYPES, SET_MEMBERS, AttributeValue, normalise, type_of
from stoker.items.expression import (
    Action,
    AllOf,
    AnyOf,
    Between,
    Call,
    Comparison,
    Condition,
    Literal,
    Membership,
    Negation,
    Path,
    Projection,
    Update,
)
from stoker.items.key_conditions import KeyTest
from stoker.model.errors import ValidationException

_INVALID = "One or more parameter values were invalid: "
_COMPARISONS = {"EQ": "=", "NE": "<>", "LE": "<=", "LT": "<", "GE": ">=", "GT": ">"}
_COUNTS = {"NULL": 0, "NOT_NULL": 0, "BETWEEN": 2}
_KEY_OPERATORS = {"EQ": "=", "LE": "<=", "LT": "<", "GE": ">=", "GT": ">", "BEGINS_WITH": "begins_with"}


def expected_condition(expected: Mapping[str, Mapping[str, Any]], operator: str) -> Condition:
    """`Expected`: with Exists and Value, or with operators."""
    return _joined([_expectation(name, each) for name, each in expected.items()], operator)


def filter_condition(conditions: Mapping[str, Mapping[str, Any]], operator: str) -> Condition:
    """`QueryFilter` and `ScanFilter`."""
    return _joined([_condition(name, each) for name, each in conditions.items()], operator)


def key_tests(conditions: Mapping[str, Mapping[str, Any]]) -> Mapping[str, KeyTest]:
    """`KeyConditions`."""
    tests = {}
    for name, each in conditions.items():
        operator = each["ComparisonOperator"]
        values = _values(name, operator, each)
        if operator != "BETWEEN" and operator not in _KEY_OPERATORS:
            raise ValidationException("Attempted conditional constraint is not an indexable operation")
        tests[name] = KeyTest(name=name, operator=_KEY_OPERATORS.get(operator, operator), values=tuple(values))
    return tests


def projection(names: Sequence[str]) -> Projection:
    """`AttributesToGet`."""
    if len(set(names)) < len(names):
        raise ValidationException(f"{_INVALID}Duplicate value in attribute name: {', '.join(names)}")
    return Projection(tuple(Path((name,)) for name in names))


def update(updates: Mapping[str, Mapping[str, Any]]) -> Update:
    """`AttributeUpdates`."""
    return Update([_action(name, each) for name, each in updates.items()])


def _action(name: str, given: Mapping[str, Any]) -> Action:
    path, kind = Path((name,)), given.get("Action", "PUT")
    if "Value" not in given:
        if kind != "DELETE":
            raise ValidationException(f"{_INVALID}Only DELETE action is allowed when no attribute value is specified")
        return Action("REMOVE", path)
    value = normalise(given["Value"])
    type_name = type_of(value)
    if kind == "PUT":
        return Action("SET", path, Literal(value))
    if type_name not in (SET_MEMBERS if kind == "DELETE" else {**SET_MEMBERS, "N": "N"}):
        raise ValidationException(f"{_INVALID}{kind} action is not supported for the type {type_name}")
    return Action(kind, path, Literal(value))


def _joined(conditions: list[Condition], operator: str) -> Condition:
    return AnyOf(tuple(conditions)) if operator == "OR" else AllOf(tuple(conditions))


def _expectation(name: str, given: Mapping[str, Any]) -> Condition:
    if "ComparisonOperator" in given:
        return _condition(name, given)
    path = Path((name,))
    if given.get("Exists", True):
        if "Value" not in given:
            raise ValidationException(
                f"{_INVALID}Value must be provided when Exists is {_told(given.get('Exists'))} for Attribute: {name}"
            )
        return Comparison("=", path, Literal(normalise(given["Value"])))
    if "Value" in given:
        raise ValidationException(f"{_INVALID}Value cannot be used when Exists is false for Attribute: {name}")
    return Call("attribute_not_exists", (path,))


def _told(exists: bool | None) -> str:
    return "null" if exists is None else "true"


def _condition(name: str, given: Mapping[str, Any]) -> Condition:
    operator, path = given["ComparisonOperator"], Path((name,))
    values = [Literal(value) for value in _values(name, operator, given)]
    if operator in _COMPARISONS:
        return Comparison(_COMPARISONS[operator], path, values[0])
    match operator:
        case "NULL":
            return Call("attribute_not_exists", (path,))
        case "NOT_NULL":
            return Call("attribute_exists", (path,))
        case "CONTAINS":
            return Call("contains", (path, values[0]))
        case "NOT_CONTAINS":
            return AllOf((Call("attribute_exists", (path,)), Negation(Call("contains", (path, values[0])))))
        case "BEGINS_WITH":
            return Call("begins_with", (path, values[0]))
        case "IN":
            return Membership(path, tuple(values))
    return Between(path, values[0], values[1])


def _values(name: str, operator: str, given: Mapping[str, Any]) -> list[AttributeValue]:
    listed = given.get("AttributeValueList", [given["Value"]] if "Value" in given else [])
    values = [normalise(value) for value in listed]
    if operator == "IN" and values:
        return values
    if len(values) != _COUNTS.get(operator, 1):
        raise ValidationException(f"{_INVALID}Invalid number of argument(s) for the {operator} ComparisonOperator")
    ordered = operator in ("LE", "LT", "GE", "GT", "BETWEEN", "BEGINS_WITH")
    if ordered and any(type_of(value) not in ORDERED_TYPES for value in values):
        raise ValidationException(
            f"{_INVALID}ComparisonOperator {operator} is not valid for {type_of(values[0])} AttributeValue type"
        )
    if operator == "BEGINS_WITH" and type_of(values[0]) == "N":
        raise ValidationException(f"{_INVALID}ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type")
    return values
