"""Whether an item meets a bound condition. Pure; an attribute that is not there meets only what asks for that."""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from stoker.items.attribute_value import ORDERED_TYPES, SET_MEMBERS, AttributeValue, Item, are_equal, sort_key
from stoker.items.document_path import find
from stoker.items.expression import (
    AllOf,
    AnyOf,
    Between,
    Comparison,
    Condition,
    Literal,
    Membership,
    Negation,
    Operand,
    Parenthesised,
    Path,
)

_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def holds(condition: Condition, item: Item) -> bool:
    """Whether the condition is true of the item."""
    match condition:
        case AllOf(parts=parts):
            return all(holds(part, item) for part in parts)
        case AnyOf(parts=parts):
            return any(holds(part, item) for part in parts)
        case Negation(part=part) | Parenthesised(part=part):
            return holds(part, item) != isinstance(condition, Negation)
        case Comparison(operator=name, left=left, right=right):
            return _compare(name, value_of(left, item), value_of(right, item))
        case Between(operand=operand, low=low, high=high):
            value = value_of(operand, item)
            return _compare(">=", value, value_of(low, item)) and _compare("<=", value, value_of(high, item))
        case Membership(operand=operand, choices=choices):
            value = value_of(operand, item)
            return any(_compare("=", value, value_of(choice, item)) for choice in choices)
    return _TESTS[condition.name](item, *condition.operands)


def value_of(operand: Operand, item: Item) -> AttributeValue | None:
    """What an operand of a condition is in this item."""
    if isinstance(operand, Literal):
        value: AttributeValue = operand.value
        return value
    if isinstance(operand, Path):
        return find(item, operand)
    return _size(value_of(operand.operands[0], item))


def _compare(name: str, left: AttributeValue | None, right: AttributeValue | None) -> bool:
    if left is None or right is None:
        return name == "<>"
    if name in ("=", "<>"):
        return are_equal(left, right) == (name == "=")
    kind = next(iter(left))
    if kind not in ORDERED_TYPES or kind not in right:
        return False
    return _ORDER[name](sort_key(left), sort_key(right))


def _size(value: AttributeValue | None) -> AttributeValue | None:
    """Characters, bytes or elements; a number or a boolean has none."""
    if value is None:
        return None
    ((kind, content),) = value.items()
    return None if kind in ("N", "BOOL", "NULL") else {"N": str(len(content))}


def _exists(item: Item, path: Operand) -> bool:
    return value_of(path, item) is not None


def _is_absent(item: Item, path: Operand) -> bool:
    return value_of(path, item) is None


def _has_type(item: Item, path: Operand, kind: Operand) -> bool:
    value, wanted = value_of(path, item), value_of(kind, item)
    return value is not None and wanted is not None and wanted["S"] in value


def _begins_with(item: Item, path: Operand, start: Operand) -> bool:
    value, prefix = value_of(path, item), value_of(start, item)
    return value is not None and prefix is not None and begins_with(value, prefix)


def begins_with(value: AttributeValue, prefix: AttributeValue) -> bool:
    """Whether a text or binary begins with another one."""
    kind = next(iter(prefix))
    return kind in ("S", "B") and kind in value and bool(value[kind].startswith(prefix[kind]))


def _contains(item: Item, path: Operand, part: Operand) -> bool:
    value, wanted = value_of(path, item), value_of(part, item)
    return value is not None and wanted is not None and contains(value, wanted)


def contains(value: AttributeValue, wanted: AttributeValue) -> bool:
    """A text in a text, bytes in bytes, a member of a set or an element of a list."""
    ((kind, content),) = value.items()
    if kind == "L":
        return any(are_equal(element, wanted) for element in content)
    member = SET_MEMBERS.get(kind, kind if kind in ("S", "B") else "")
    return member in wanted and wanted[member] in content


_TESTS: Mapping[str, Callable[..., bool]] = {
    "attribute_exists": _exists,
    "attribute_not_exists": _is_absent,
    "attribute_type": _has_type,
    "begins_with": _begins_with,
    "contains": _contains,
}
