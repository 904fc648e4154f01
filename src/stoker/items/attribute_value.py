"""Attribute values in wire words, `{"S": "text"}`: checked, put into their one form, measured and compared."""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from stoker.items import number
from stoker.model.errors import ValidationException

AttributeValue = dict[str, Any]
Item = dict[str, AttributeValue]

MAX_DEPTH = 32
_NULL_OVERHEAD = 1
_CONTAINER_OVERHEAD = 3
_ELEMENT_OVERHEAD = 1
SET_MEMBERS: Mapping[str, str] = {"SS": "S", "NS": "N", "BS": "B"}
KEY_TYPES = frozenset({"S", "N", "B"})
ORDERED_TYPES = frozenset({"S", "N", "B"})
# What an error message calls a type.
TYPE_NAMES: Mapping[str, str] = {
    "S": "STRING", "N": "NUMBER", "B": "BINARY", "SS": "STRING_SET", "NS": "NUMBER_SET", "BS": "BINARY_SET",
    "M": "MAP", "L": "LIST", "NULL": "NULL", "BOOL": "BOOLEAN",
}  # fmt: skip
_INVALID = "One or more parameter values were invalid: "


def normalise_item(item: Mapping[str, Any]) -> Item:
    """The item with its numbers canonical; raises ValidationException for what no item may hold."""
    return {name: normalise(value, 1) for name, value in item.items()}


def normalise(value: Any, depth: int = 1) -> AttributeValue:
    """One value in its one form; `depth` counts the containers that it is in."""
    kind = type_of(value)
    return {kind: _NORMALISERS[kind](value[kind], depth)}


def type_of(value: Any) -> str:
    """Which of the ten types; raises ValidationException unless it is exactly one."""
    if not value:
        raise ValidationException(
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
        )
    if len(value) > 1:
        raise ValidationException(
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported "
            "datatypes"
        )
    kind: str = next(iter(value))
    return kind


def _number(value: str, _depth: int) -> str:
    return number.canonical(number.parse_number(value))


def _null(value: bool, _depth: int) -> bool:
    if not value:
        raise ValidationException(f"{_INVALID}Null attribute value types must have the value of true")
    return value


def _as_it_is(value: Any, _depth: int) -> Any:
    return value


def _set_of(kind: str) -> Callable[[list[Any], int], list[Any]]:
    article = {"S": "An string set ", "N": "An number set ", "B": "Binary sets should not be empty"}[kind]
    empty = article if kind == "B" else f"{article} may not be empty"

    def normalise_set(value: list[Any], depth: int) -> list[Any]:
        if not value:
            raise ValidationException(f"{_INVALID}{empty}")
        members = [_NORMALISERS[kind](member, depth) for member in value]
        if len(set(members)) < len(members):
            told = "" if kind != "S" else f" [{', '.join(value)}]"
            raise ValidationException(f"{_INVALID}Input collection{told} contains duplicates.")
        return members

    return normalise_set


def _list(value: list[Any], depth: int) -> list[AttributeValue]:
    _refuse_too_deep(depth)
    return [normalise(member, depth + 1) for member in value]


def _map(value: Mapping[str, Any], depth: int) -> Item:
    _refuse_too_deep(depth)
    return {name: normalise(member, depth + 1) for name, member in value.items()}


def check_depth(value: AttributeValue, depth: int) -> None:
    """That a value may stand so deep in an item: an update puts values into documents that are there."""
    ((kind, content),) = value.items()
    if kind in ("L", "M"):
        _refuse_too_deep(depth)
        for member in content.values() if kind == "M" else content:
            check_depth(member, depth + 1)


def _refuse_too_deep(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ValidationException("Nesting Levels have exceeded supported limits: Attributes nested too deeply")


_NORMALISERS: Mapping[str, Callable[[Any, int], Any]] = {
    "S": _as_it_is,
    "B": _as_it_is,
    "N": _number,
    "BOOL": _as_it_is,
    "NULL": _null,
    "SS": _set_of("S"),
    "NS": _set_of("N"),
    "BS": _set_of("B"),
    "L": _list,
    "M": _map,
}


def item_size(item: Mapping[str, AttributeValue]) -> int:
    """Bytes as DynamoDB counts them: names in UTF-8 and values. Source: "DynamoDB item sizes and formats"."""
    return sum(len(name.encode()) + value_size(value) for name, value in item.items())


def value_size(value: AttributeValue) -> int:
    """Bytes of one value."""
    ((kind, content),) = value.items()
    if kind in ("L", "M"):
        members = item_size(content) if kind == "M" else sum(map(value_size, content))
        return int(_CONTAINER_OVERHEAD + members + _ELEMENT_OVERHEAD * len(content))
    if kind in SET_MEMBERS:
        return sum(value_size({SET_MEMBERS[kind]: member}) for member in content)
    if kind in ("BOOL", "NULL"):
        return _NULL_OVERHEAD
    if kind == "N":
        return number.stored_size(content)
    return len(content.encode()) if kind == "S" else len(content)


def sort_key(value: AttributeValue) -> Any:
    """What values of one ordered type are compared by: UTF-8 bytes, the number, or the bytes."""
    ((kind, content),) = value.items()
    if kind == "N":
        return Decimal(content)
    return content.encode() if kind == "S" else content


def are_equal(left: AttributeValue, right: AttributeValue) -> bool:
    """Equality: of one type, and sets whatever their order."""
    ((kind, content),) = left.items()
    ((other_kind, other),) = right.items()
    if kind != other_kind:
        return False
    if kind in SET_MEMBERS:
        return set(content) == set(other)
    if kind == "L":
        return len(content) == len(other) and all(map(are_equal, content, other))
    if kind == "M":
        return content.keys() == other.keys() and all(are_equal(content[name], other[name]) for name in content)
    return bool(content == other)


def as_told(value: AttributeValue) -> str:
    """A value as error messages show it: `{S:text}`."""
    return f"{{{','.join(_told(value))}}}"


def _told(value: AttributeValue) -> Iterator[str]:
    for kind, content in value.items():
        if kind in SET_MEMBERS:
            yield f"{kind}:[{','.join(map(str, content))}]"
        elif kind == "L":
            yield f"L:[{','.join(map(as_told, content))}]"
        elif kind == "M":
            yield f"M:{{{','.join(f'{name}={as_told(member)}' for name, member in content.items())}}}"
        else:
            yield f"{kind}:{content}"
