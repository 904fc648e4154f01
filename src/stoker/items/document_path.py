"""What a document path leads to in an item, and putting things there."""

from collections.abc import Iterable
from typing import Any

from stoker.items.attribute_value import AttributeValue, Item
from stoker.items.expression import Path
from stoker.model.errors import ValidationException


def find(item: Item, path: Path) -> AttributeValue | None:
    """The value at `path`, None if there is none."""
    value = item.get(path.parts[0])  # type: ignore[arg-type]
    for part in path.parts[1:]:
        if value is None:
            return None
        if isinstance(part, int):
            elements = value.get("L", ())
            value = elements[part] if part < len(elements) else None
        else:
            value = value.get("M", {}).get(part)
    return value


def project(item: Item, paths: Iterable[Path]) -> Item:
    """The item with only what the paths lead to; elements of lists close up, in their order."""
    tree: dict[Any, Any] = {}
    for path in paths:
        branch = tree
        for part in path.parts:
            branch = branch.setdefault(part, {})
    return _pruned_map(item, tree)


def _pruned_map(members: Item, tree: dict[Any, Any]) -> Item:
    return {
        name: kept
        for name, branch in tree.items()
        if name in members and (kept := _pruned(members[name], branch)) is not None
    }


def _pruned(value: AttributeValue, tree: dict[Any, Any]) -> AttributeValue | None:
    if not tree:
        return value
    if "M" in value and (kept := _pruned_map(value["M"], tree)):
        return {"M": kept}
    if "L" in value:
        elements = value["L"]
        inside = sorted(at for at in tree if isinstance(at, int) and at < len(elements))
        pruned = [_pruned(elements[at], tree[at]) for at in inside]
        if present := [element for element in pruned if element is not None]:
            return {"L": present}
    return None


class InvalidPathError(ValidationException):
    """The document path provided in the update expression is invalid for update"""


def container(item: Item, path: Path) -> dict[str, AttributeValue] | list[AttributeValue]:
    """The map or list in which the path's last part stands; InvalidPathError if it is not there."""
    if len(path.parts) == 1:
        return item
    parent = find(item, Path(path.parts[:-1]))
    inside: Any = None if parent is None else parent.get("L" if isinstance(path.parts[-1], int) else "M")
    if inside is None:
        raise InvalidPathError
    return inside  # type: ignore[no-any-return]
