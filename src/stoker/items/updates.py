"""What an update makes of an item. Pure: every action reads the item as it was before."""

import copy
from typing import Any

from stoker.items import number
from stoker.items.attribute_value import AttributeValue, Item, check_depth
from stoker.items.document_path import container, find, project
from stoker.items.expression import Action, Call, Literal, Operand, Path, Sum, Update
from stoker.model.errors import ValidationException

_WRONG_TYPE = "An operand in the update expression has an incorrect data type"
_ABSENT = "The provided expression refers to an attribute that does not exist in the item"


def apply_update(update: Update, item: Item) -> Item:
    """The item after the update; `item` itself stays as it is."""
    # Values first: whatever an action takes from the item it takes as the item was.
    values = [_value(action, item) for action in update.actions]
    updated = _with_own_documents(update, item)
    removed: list[Path] = []
    for action, value in zip(update.actions, values, strict=True):
        if value is not None:
            _put(updated, action.path, value)
        elif action.kind == "REMOVE" or find(item, action.path) is not None:
            removed.append(action.path)
    # From the end, so that an element that goes does not move the next one that is to go. Parts at one place of two
    # paths are of one type, or binding would have refused them.
    for path in sorted(removed, key=lambda path: path.parts, reverse=True):
        _remove(updated, path)
    return updated


def _with_own_documents(update: Update, item: Item) -> Item:
    """A copy, whose attributes are copied too where the update reaches into them."""
    inside = {action.path.parts[0] for action in update.actions if len(action.path.parts) > 1}
    return {name: copy.deepcopy(value) if name in inside else value for name, value in item.items()}


def _value(action: Action, item: Item) -> AttributeValue | None:
    """What the action puts at its path; None if nothing is to be there."""
    if action.kind == "REMOVE":
        return None
    if action.kind == "SET":
        assert action.operand is not None
        return copy.deepcopy(_assigned(action.operand, item))
    assert isinstance(action.operand, Literal)
    present = find(item, action.path)
    if action.kind == "ADD":
        return _sum_or_union(present, action.operand.value)
    return _difference(present, action.operand.value)


def _assigned(operand: Operand | Sum, item: Item) -> AttributeValue:
    match operand:
        case Literal(value=value):
            return value  # type: ignore[no-any-return]
        case Path():
            found = find(item, operand)
            if found is None:
                raise ValidationException(_ABSENT)
            return found
        case Sum(sign=sign, left=left, right=right):
            first, second = _assigned(left, item), _assigned(right, item)
            if "N" not in first or "N" not in second:
                raise ValidationException(_WRONG_TYPE)
            return {"N": number.add(first["N"], second["N"], 1 if sign == "+" else -1)}
        case Call(name="if_not_exists", operands=(Path() as path, otherwise)):
            present = find(item, path)
            return present if present is not None else _assigned(otherwise, item)
        case Call(operands=(left, right)):
            first, second = _assigned(left, item), _assigned(right, item)
            if "L" not in first or "L" not in second:
                raise ValidationException(_WRONG_TYPE)
            return {"L": [*first["L"], *second["L"]]}
    raise AssertionError(operand)


def _sum_or_union(present: AttributeValue | None, added: AttributeValue) -> AttributeValue:
    if present is None:
        return added
    ((kind, content),) = added.items()
    if kind not in present:
        raise ValidationException(_WRONG_TYPE)
    if kind == "N":
        return {"N": number.add(present["N"], content)}
    return {kind: [*present[kind], *(member for member in content if member not in set(present[kind]))]}


def _difference(present: AttributeValue | None, taken: AttributeValue) -> AttributeValue | None:
    """A set that has nothing left is no attribute any more."""
    if present is None:
        return None
    ((kind, content),) = taken.items()
    if kind not in present:
        raise ValidationException(_WRONG_TYPE)
    gone = set(content)
    left = [member for member in present[kind] if member not in gone]
    return {kind: left} if left else None


def _put(item: Item, path: Path, value: AttributeValue) -> None:
    check_depth(value, len(path.parts))
    inside: Any = container(item, path)
    last = path.parts[-1]
    if isinstance(last, int) and last >= len(inside):
        inside.append(value)
    else:
        inside[last] = value


def _remove(item: Item, path: Path) -> None:
    inside: Any = container(item, path)
    last = path.parts[-1]
    if not isinstance(last, int):
        inside.pop(last, None)
    elif last < len(inside):
        del inside[last]


def changed_parts(update: Update, item: Item) -> Item:
    """What UPDATED_OLD and UPDATED_NEW show of an item: what is at the paths that the update names."""
    return project(item, [action.path for action in update.actions])
