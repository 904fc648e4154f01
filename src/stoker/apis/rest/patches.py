"""Patch operations: what each operation's paths lead to in a document. Pure.

Source: "PATCH operations" in the API Gateway API reference.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stoker.apis.errors import BadRequestException

Reader = Callable[[str], Any]
Operation = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Patchable:
    """What may be patched of a kind of document.

    `members` are replaced (and, if in `removable`, removed), each read from its text. `maps` have keys that are added,
    replaced and removed: `/variables/NAME`. `sets` are lists whose items stand in the path or the value:
    `/binaryMediaTypes/image~1png`. A name may have a slash: `/throttle/rateLimit` is a member in a member.
    """

    members: Mapping[str, Reader] = field(default_factory=dict)
    removable: frozenset[str] = frozenset()
    maps: Mapping[str, Reader] = field(default_factory=dict)
    sets: frozenset[str] = frozenset()


def text(value: str) -> str:
    return value


def boolean(value: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise BadRequestException(f"Invalid boolean value: {value}")
    return value.lower() == "true"


def integer(value: str) -> int:
    if re.fullmatch(r"-?\d{1,12}", value) is None:
        raise BadRequestException(f"Invalid integer value: {value}")
    return int(value)


def number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise BadRequestException(f"Invalid number value: {value}") from None


def one_of(*choices: str) -> Reader:
    def read(value: str) -> str:
        if value not in choices:
            raise BadRequestException(f"Invalid value {value}: it has to be one of {', '.join(choices)}.")
        return value

    return read


def parts_of(path: str) -> list[str]:
    """A path's parts, with ~1 and ~0 read as slash and tilde."""
    return [part.replace("~1", "/").replace("~0", "~") for part in path.removeprefix("/").split("/")]


def apply(document: dict[str, Any], operations: Sequence[Operation], what: Patchable) -> None:
    """Change the document in place. Raises BadRequestException for what may not be done."""
    for operation in operations:
        _apply_one(document, operation, what)


def _apply_one(document: dict[str, Any], operation: Operation, what: Patchable) -> None:
    op, path = operation.get("op", ""), operation.get("path", "")
    parts = parts_of(path)
    name = "/".join(parts)
    if name in what.members:
        _on_member(document, op, name, operation, what)
    elif name in what.sets or parts[0] in what.sets:
        _on_set(document, op, parts, operation)
    elif (found := next((each for each in what.maps if name.startswith(f"{each}/")), None)) is not None:
        _on_map(document, op, found, name.removeprefix(f"{found}/"), operation, what.maps[found])
    elif op == "remove" and name in what.maps:
        _holder(document, name).pop(name.rpartition("/")[2], None)
    else:
        known = ", ".join(
            [f"/{each}" for each in (*what.members, *what.sets)] + [f"/{each}/{{name}}" for each in what.maps]
        )
        raise BadRequestException(f"Invalid patch path  '{path}' specified for op '{op}'. Must be one of: [{known}]")


def _on_member(document: dict[str, Any], op: str, name: str, operation: Operation, what: Patchable) -> None:
    holder, last = _holder(document, name), name.rpartition("/")[2]
    value = operation.get("value")
    if op == "remove" or (op in ("add", "replace") and name in what.removable and value in (None, "")):
        if name not in what.removable:
            raise _refused(op, operation)
        holder.pop(last, None)
    elif op in ("add", "replace"):
        holder[last] = what.members[name](value or "")
    else:
        raise _refused(op, operation)


def _on_set(document: dict[str, Any], op: str, parts: Sequence[str], operation: Operation) -> None:
    items = document.setdefault(parts[0], [])
    value = operation.get("value")
    item = "/".join(parts[1:]) or value
    if item is None:
        raise _refused(op, operation)
    if op == "add" and item not in items:
        items.append(item)
    elif op == "remove" and item in items:
        items.remove(item)
    elif op == "replace" and item in items and value:
        items[items.index(item)] = value
    elif op not in ("add", "remove"):
        raise _refused(op, operation)


def _on_map(document: dict[str, Any], op: str, name: str, key: str, operation: Operation, read: Reader) -> None:
    entries = _holder(document, f"{name}/").setdefault(name.rpartition("/")[2], {}) if "/" in name else None
    if entries is None:
        entries = document.setdefault(name, {})
    if op in ("add", "replace"):
        entries[key] = read(operation.get("value") or "")
    elif op == "remove":
        entries.pop(key, None)
    else:
        raise _refused(op, operation)


def _holder(document: dict[str, Any], name: str) -> dict[str, Any]:
    """What the last part of a name is in."""
    for part in name.rstrip("/").split("/")[:-1]:
        document = document.setdefault(part, {})
    return document


def _refused(op: str, operation: Operation) -> BadRequestException:
    return BadRequestException(f"Invalid patch operation '{op}' for path '{operation.get('path', '')}'")
