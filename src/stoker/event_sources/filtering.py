"""Filters: which records a function is to see. Pure.

Source: "Control which events Lambda sends to your function" in the Lambda Developer Guide.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stoker.event_sources.poller import Record
from stoker.model.errors import InvalidParameterValueException
from stoker.model.event_pattern import OPERATORS, EventPattern, PatternError, compile_pattern

# Lambda's filters have fewer operators than EventBridge's rules.
LAMBDA_OPERATORS = OPERATORS - {"cidr", "wildcard"}
# What of a record's data may be JSON in a string, by the name it has in its event.
ENCODED = ("body", "data")

Filter = Callable[[Record], bool]


def compile_filters(filters: Sequence[str]) -> Filter:
    """Whether a record matches any of these patterns; without patterns all do. Raises what Lambda answers."""
    if not filters:
        return lambda _record: True
    tests = [_compile(text) for text in filters]
    return lambda record: any(test(record.view) for test in tests)


def _compile(text: str) -> Callable[[Mapping[str, Any]], bool]:
    try:
        document = json.loads(text)
        pattern = compile_pattern(document, LAMBDA_OPERATORS)
    except (ValueError, RecursionError, PatternError):
        raise InvalidParameterValueException("Invalid filter pattern definition.", Type="User") from None
    encoded = [name for name in ENCODED if name in document]
    if not encoded:
        return pattern.matches
    return lambda view: _matches(pattern, document, encoded[0], view)


def _matches(pattern: EventPattern, document: Mapping[str, Any], name: str, view: Mapping[str, Any]) -> bool:
    """Data that is JSON is matched by a pattern for JSON, and text by one for text; nothing else matches."""
    text = view.get(name)
    if not isinstance(text, str):
        return pattern.matches(view)
    parsed = _parsed(text)
    if isinstance(document[name], dict) != (parsed is not None):
        return False
    return pattern.matches(view if parsed is None else {**view, name: parsed})


def _parsed(text: str) -> dict[str, Any] | list[Any] | None:
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        value: dict[str, Any] | list[Any] = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value
