"""What a template may do with values: Java's methods of strings, lists and maps, and those of objects that it is given.

Nothing else is reachable: names are looked up in these tables, and never among Python's own attributes.
"""

import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from stoker.apis.rest.vtl.budget import Budget, TemplateError
from stoker.model.limited_regex import Pattern, PatternError, PatternTimeoutError

_MOST_PIECES, _MOST_CHARACTERS = 200_000, 12 * 1024 * 1024
# What Python says of arguments that a method cannot do with.
_FAULTS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, PatternError, PatternTimeoutError)
_MOST_REPLACED = 4 * 1024 * 1024


class HostObject:
    """An object that is handed to templates, such as $input. What it does not offer is None."""

    def template_member(self, name: str) -> Any:
        return None

    def template_method(self, name: str) -> Callable[..., Any] | None:
        return None


def text_of(value: Any) -> str:
    """As Java writes a value."""
    if isinstance(value, str):
        return value
    pieces, size = list[str](), 0
    for piece in _pieces(value):
        pieces.append(piece)
        size += len(piece)
        # A list may have a value many times over: so what is written is counted, not what there is.
        if len(pieces) > _MOST_PIECES or size > _MOST_CHARACTERS:
            raise TemplateError("a value is too large to be written")
    return "".join(pieces)


def _pieces(value: Any) -> Iterator[str]:
    match value:
        case None | bool() | int() | float():
            yield json.dumps(value)
        case Mapping():
            yield "{"
            for index, (key, item) in enumerate(value.items()):
                yield f"{', ' if index else ''}{key}="
                yield from _pieces(item)
            yield "}"
        case list():
            yield "["
            for index, item in enumerate(value):
                yield ", " if index else ""
                yield from _pieces(item)
            yield "]"
        case _:
            yield str(value)


def same(left: Any, right: Any) -> bool:
    """Whether two values are equal. Lists and maps are compared as they are written, which has its bound."""
    if isinstance(left, list | Mapping) or isinstance(right, list | Mapping):
        return type(left) is type(right) and (left is right or text_of(left) == text_of(right))
    return bool(left == right)


def _place(items: list[Any], what: Any) -> int:
    return next((index for index, item in enumerate(items) if same(item, what)), -1)


def items_of(value: Any) -> Sequence[Any]:
    """What #foreach goes over: a list, or a map's values."""
    if isinstance(value, Mapping):
        return list(value.values())
    return value if isinstance(value, list) else []


def member(holder: Any, name: str) -> Any:
    """`holder.name`"""
    if isinstance(holder, Mapping):
        if name in holder:
            return holder[name]
        return bool(not holder) if name == "empty" else None
    if isinstance(holder, HostObject):
        return holder.template_member(name)
    if name == "empty" and isinstance(holder, str | list):
        return not holder
    return None


def at_index(holder: Any, index: Any) -> Any:
    """`holder[index]`"""
    if isinstance(holder, list) and isinstance(index, int) and not isinstance(index, bool):
        return holder[index] if -len(holder) <= index < len(holder) else None
    return member(holder, text_of(index))


def put(holder: Any, key: Any, value: Any) -> None:
    """`#set($holder.key = value)`"""
    if isinstance(holder, dict):
        holder[text_of(key)] = value
    elif isinstance(holder, list) and isinstance(key, int) and 0 <= key < len(holder):
        holder[key] = value
    else:
        raise TemplateError(f"{text_of(key)} cannot be set")


def call(holder: Any, name: str, arguments: Sequence[Any], budget: Budget) -> Any:
    """`holder.name(arguments)`; None where there is no such method."""
    if isinstance(holder, HostObject):
        own = holder.template_method(name)
        method = None if own is None else lambda _holder, *given: own(*given)
    else:
        kind = next((kind for kind in _METHODS if isinstance(holder, kind)), object)
        method = _METHODS.get(kind, {}).get(name) or _OF_ANYTHING.get(name)
    if method is None:
        return None
    try:
        result = method(holder, *arguments)
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
        PatternError,
        PatternTimeoutError,
    ) as error:
        raise TemplateError(f"{name} of {type(holder).__name__}: {error}") from error
    budget.take_text(len(result) if isinstance(result, str) else 0)
    return result


def of_map(name: str) -> Callable[..., Any] | None:
    """What maps can do, for objects that are like one; the map comes first."""
    return _OF_MAPS.get(name)


def _pattern(text: Any) -> Pattern:
    return Pattern(text_of(text))


def _replace(text: str, pattern: Any, by: Any, count: int = 0) -> str:
    """Java writes groups as $1."""
    template = re.sub(r"\\(.)|\$(\d)", lambda it: f"\\g<{it[2]}>" if it[2] else _literally(it[1]), text_of(by))
    if len(text) * max(1, len(template)) > _MOST_REPLACED:
        raise TemplateError("a text to replace in is too long")
    return _pattern(pattern).replace(text, template, count)


def _literally(character: str) -> str:
    return "\\\\" if character == "\\" else character


def _replace_text(text: str, old: Any, new: Any) -> str:
    if len(text) * max(1, len(text_of(new))) > _MOST_REPLACED:
        raise TemplateError("a text to replace in is too long")
    return text.replace(text_of(old), text_of(new))


def _split(text: str, pattern: Any, limit: int = 0) -> list[str]:
    """Java leaves out empty parts at the end."""
    parts = _pattern(pattern).split(text, max(0, limit - 1))
    while limit == 0 and parts and not parts[-1]:
        parts.pop()
    return parts


def _substring(text: str, begin: int, end: int | None = None) -> str:
    end = len(text) if end is None else end
    if not 0 <= begin <= end <= len(text):
        raise IndexError(f"begin {begin}, end {end}, length {len(text)}")
    return text[begin:end]


def _add(items: list[Any], *given: Any) -> bool:
    items.insert(given[0] if len(given) > 1 else len(items), given[-1])
    return True


def _removed(items: list[Any], what: Any) -> Any:
    if isinstance(what, int):
        return items.pop(what)
    place = _place(items, what)
    if place >= 0:
        del items[place]
    return place >= 0


def _set_at(items: list[Any], index: int, value: Any) -> Any:
    before, items[index] = items[index], value
    return before


def _put(entries: dict[str, Any], key: Any, value: Any) -> Any:
    before = entries.get(text_of(key))
    entries[text_of(key)] = value
    return before


def _extend(items: list[Any], further: Iterable[Any]) -> bool:
    taken = list(itertools.islice(further, 100_000))
    items.extend(taken)
    return bool(taken)


_Method = Callable[..., Any]
_OF_ANYTHING: Mapping[str, _Method] = {
    "toString": text_of,
    "equals": same,
    "hashCode": lambda it: sum(map(ord, text_of(it))) & 0x7FFFFFFF,
}
_OF_STRINGS: Mapping[str, _Method] = {
    "charAt": lambda it, index: it[index],
    "compareTo": lambda it, other: (it > other) - (it < other),
    "concat": lambda it, other: it + other,
    "contains": lambda it, part: text_of(part) in it,
    "endsWith": lambda it, end: it.endswith(text_of(end)),
    "equalsIgnoreCase": lambda it, other: it.lower() == text_of(other).lower(),
    "indexOf": lambda it, part, begin=0: it.find(text_of(part), begin),
    "isEmpty": lambda it: not it,
    "lastIndexOf": lambda it, part: it.rfind(text_of(part)),
    "length": len,
    "matches": lambda it, pattern: _pattern(pattern).matches(it),
    "replace": _replace_text,
    "replaceAll": _replace,
    "replaceFirst": lambda it, pattern, by: _replace(it, pattern, by, count=1),
    "split": _split,
    "startsWith": lambda it, begin: it.startswith(text_of(begin)),
    "substring": _substring,
    "toLowerCase": str.lower,
    "toUpperCase": str.upper,
    "trim": str.strip,
}
_OF_LISTS: Mapping[str, _Method] = {
    "add": _add,
    "addAll": _extend,
    "clear": list.clear,
    "contains": lambda it, item: _place(it, item) >= 0,
    "get": lambda it, index: it[index],
    "indexOf": _place,
    "isEmpty": lambda it: not it,
    "remove": _removed,
    "set": _set_at,
    "size": len,
    "subList": lambda it, begin, end: it[begin:end],
}
_OF_MAPS: Mapping[str, _Method] = {
    "containsKey": lambda it, key: text_of(key) in it,
    "containsValue": lambda it, value: _place(list(it.values()), value) >= 0,
    "entrySet": lambda it: [{"key": key, "value": value} for key, value in it.items()],
    "get": lambda it, key: it.get(text_of(key)),
    "getOrDefault": lambda it, key, default: it.get(text_of(key), default),
    "isEmpty": lambda it: not it,
    "keySet": lambda it: list(it),
    "put": _put,
    "putAll": lambda it, other: it.update(other),
    "remove": lambda it, key: it.pop(text_of(key), None),
    "size": len,
    "values": lambda it: list(it.values()),
}
_OF_NUMBERS: Mapping[str, _Method] = {
    "intValue": int,
    "longValue": int,
    "doubleValue": float,
}
# An entry of a map is a map of its key and value here; Java's has methods.
_OF_ENTRIES: Mapping[str, _Method] = {
    "getKey": lambda it: it.get("key"),
    "getValue": lambda it: it.get("value"),
}
_METHODS: Mapping[type, Mapping[str, _Method]] = {
    str: _OF_STRINGS,
    list: _OF_LISTS,
    Mapping: {**_OF_MAPS, **_OF_ENTRIES},
    bool: {},
    int: _OF_NUMBERS,
    float: _OF_NUMBERS,
}
