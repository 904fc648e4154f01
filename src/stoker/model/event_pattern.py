"""Event patterns: EventBridge's language for choosing events, compiled once. Pure.

A pattern has the shape of the events that it matches. An object's fields must all match, a list has alternatives for
one field, and `$or` alternatives for several. Where an event has an array, some element must match, and with several
fields of the same pattern object it is one element that matches them all.

Lambda's FilterCriteria and SNS's filter policies are the same language with fewer operators. Source: "Comparison
operators for use in event patterns" in the EventBridge User Guide; the reasons are those of AWS's open-source matcher.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stoker.model.event_operators import OPERATORS, Operator, PatternError, Test, compile_test, exactly

__all__ = ["OPERATORS", "EventPattern", "PatternError", "compile_pattern", "parse_pattern"]

OR = "$or"
# Deeper ones cannot be meant; AWS's own parser gives up at some depth as well.
MAX_DEPTH = 100
# What a field must not be called inside $or, since it could be meant as an operator.
RESERVED_IN_OR = OPERATORS | {"=", "<", "<=", ">", ">=", "regex"}

_MISSING: Any = object()
Matcher = Callable[[Mapping[str, Any], Any], bool]
"""Whether one object of an event matches; the second argument is the whole event."""


@dataclass(frozen=True, slots=True)
class EventPattern:
    """A compiled pattern."""

    _matches: Matcher

    def matches(self, event: Any) -> bool:
        """Whether an event (parsed JSON, an object) matches."""
        return any(self._matches(candidate, event) for candidate in _objects(event))


def parse_pattern(text: str, operators: frozenset[str] = OPERATORS) -> EventPattern:
    """Compile a pattern's JSON. Raises PatternError with AWS's reason."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise PatternError("Invalid JSON") from None
    return compile_pattern(document, operators)


def compile_pattern(document: Any, operators: frozenset[str] = OPERATORS) -> EventPattern:
    """Compile a parsed pattern; `operators` are those that its service knows. Raises PatternError."""
    if not isinstance(document, dict):
        raise PatternError("Filter is not an object")
    return EventPattern(_compile_object(document, (), operators, inside_or=False))


def _compile_object(
    document: Mapping[str, Any], path: tuple[str, ...], operators: frozenset[str], *, inside_or: bool
) -> Matcher:
    if not document:
        raise PatternError("Empty objects are not allowed")
    if len(path) > MAX_DEPTH:
        raise PatternError("Filter is nested too deeply")
    parts: list[Matcher] = []
    for name, value in document.items():
        if name == OR and (inside_or or _is_or(value)):
            parts.append(_compile_or(value, path, operators))
        elif inside_or and name in RESERVED_IN_OR:
            raise PatternError(f"{name} is Ruler reserved fieldName which cannot be used inside {OR}.")
        elif isinstance(value, dict):
            inner = _compile_object(value, (*path, name), operators, inside_or=inside_or)
            parts.append(_below(name, inner))
        elif isinstance(value, list):
            parts.append(_compile_field(value, (*path, name), operators))
        else:
            raise PatternError(f'"{name}" must be an object or an array')
    return parts[0] if len(parts) == 1 else lambda found, event: all(part(found, event) for part in parts)


def _is_or(value: Any) -> bool:
    """AWS takes $or for a field's name where what follows could not be alternatives."""
    return not isinstance(value, list) or not value or all(isinstance(each, dict) for each in value)


def _compile_or(value: Any, path: tuple[str, ...], operators: frozenset[str]) -> Matcher:
    if not isinstance(value, list):
        raise PatternError(f"It must be an Array followed with {OR}.")
    if len(value) < 2:
        raise PatternError(f"There must have at least 2 Objects in {OR} relationship.")
    if not all(isinstance(each, dict) for each in value):
        raise PatternError(f"Only JSON object is allowed in array of {OR} relationship.")
    either = [_compile_object(each, path, operators, inside_or=True) for each in value]
    return lambda found, event: any(matches(found, event) for matches in either)


def _below(name: str, inner: Matcher) -> Matcher:
    def matches(found: Mapping[str, Any], event: Any) -> bool:
        return any(inner(candidate, event) for candidate in _objects(found.get(name, _MISSING)))

    return matches


def _compile_field(values: Sequence[Any], path: tuple[str, ...], operators: frozenset[str]) -> Matcher:
    """A field with its alternatives. That it is not there (`exists: false`) is asked of the whole event."""
    if not values:
        raise PatternError("Empty arrays are not allowed")
    name, tests, or_absent = path[-1], list[Test](), False
    exact: set[tuple[type, Any]] = set()
    for value in values:
        if isinstance(value, list):
            raise PatternError("Match value must be String, number, true, false, or null")
        if not isinstance(value, dict):
            exact.add(exactly(value))
            continue
        operator = Operator.of(value, operators)
        if operator.means_absence:
            or_absent = True
        else:
            tests.append(compile_test(operator))

    def matches(found: Mapping[str, Any], event: Any) -> bool:
        for leaf in _leaves(found.get(name, _MISSING)):
            if exactly(leaf) in exact or any(test(leaf) for test in tests):
                return True
        return or_absent and not any(True for _ in _at(event, path))

    return matches


def _objects(value: Any) -> Sequence[Mapping[str, Any]]:
    """The objects that a value is or has as elements; an empty one where there is none, which lacks every field."""
    if isinstance(value, dict):
        return (value,)
    found = [each for each in _flat(value) if isinstance(each, dict)] if isinstance(value, list) else []
    return found or ({},)


def _leaves(value: Any) -> Iterator[Any]:
    """The plain values that a value is or has as elements."""
    if isinstance(value, list):
        return (each for each in _flat(value) if not isinstance(each, dict))
    return iter(() if value is _MISSING or isinstance(value, dict) else (value,))


def _flat(value: list[Any]) -> Iterator[Any]:
    """The elements of a list and of the lists in it."""
    rest = [iter(value)]
    while rest:
        for each in rest[-1]:
            if isinstance(each, list):
                rest.append(iter(each))
                break
            yield each
        else:
            rest.pop()


def _at(event: Any, path: tuple[str, ...]) -> Iterator[Any]:
    """The plain values at a path, in every element of the arrays on the way."""
    if len(path) == 1:
        for each in _objects(event):
            yield from _leaves(each.get(path[0], _MISSING))
        return
    for each in _objects(event):
        yield from _at(each.get(path[0], _MISSING), path[1:])
