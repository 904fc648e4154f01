"""Filter patterns for JSON events: `{ $.status >= 500 && ($.user.id = 1 || $.flag IS TRUE) }`. Pure.

A selector has to lead to a string, number or boolean: a member that is missing, null, an object or an array satisfies
no comparison, not even `!=`.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from stoker.model.errors import InvalidParameterException
from stoker.observability.filter_values import Token, Tokens, take_comparison, unexpected

# A condition on a whole event, once parsed.
Condition = Callable[[Any], bool]
# A member's name, an array's index, or None for each element of an array.
Step = str | int | None

_STEP = re.compile(
    r"""\.?\[(?:(?P<index>\d+)|(?P<all>\*)|'(?P<single>[^']*)'|"(?P<double>[^"]*)")\]|\.(?P<name>[^\s.\[\]'"*]+)"""
)


def compile_json(pattern: str) -> Callable[[str], bool]:
    """Whether a message is JSON that satisfies the expression. Raises InvalidParameterException."""
    if not pattern.endswith("}"):
        raise InvalidParameterException("Invalid filter pattern: '}' is missing")
    tokens = Tokens(pattern[1:-1])
    condition = _any_of(tokens)
    tokens.expect_end()

    def matches(message: str) -> bool:
        if not message.lstrip().startswith(("{", "[")):
            return False
        try:
            event = json.loads(message)
        except (ValueError, RecursionError):
            # Not JSON, or nested beyond reading: the filter does not apply to it.
            return False
        return condition(event)

    return matches


def _any_of(tokens: Tokens) -> Condition:
    conditions = [_all_of(tokens)]
    while tokens.took("||"):
        conditions.append(_all_of(tokens))
    return lambda event: any(condition(event) for condition in conditions)


def _all_of(tokens: Tokens) -> Condition:
    conditions = [_condition(tokens)]
    while tokens.took("&&"):
        conditions.append(_condition(tokens))
    return lambda event: all(condition(event) for condition in conditions)


def _condition(tokens: Tokens) -> Condition:
    if tokens.took("("):
        inner = _any_of(tokens)
        if not tokens.took(")"):
            raise unexpected(tokens.ahead)
        return inner
    steps = _selector(tokens.take())
    if tokens.took("NOT", "EXISTS"):
        return lambda event: not any(True for _ in _select(event, steps))
    if tokens.took("IS"):
        wanted = _constant(tokens.take())
        return lambda event: any(value is wanted for value in _select(event, steps))
    test = take_comparison(tokens)
    return lambda event: any(isinstance(value, str | int | float) and test(value) for value in _select(event, steps))


def _constant(token: Token) -> bool | None:
    constants = {"NULL": None, "TRUE": True, "FALSE": False}
    if token.text.upper() not in constants:
        raise unexpected(token)
    return constants[token.text.upper()]


def _selector(token: Token) -> Sequence[Step]:
    """`$.users[0].name` as steps."""
    if token.kind != "word" or not token.text.startswith("$"):
        raise unexpected(token)
    steps: list[Step] = []
    place = 1
    while place < len(token.text):
        found = _STEP.match(token.text, place)
        if found is None:
            raise InvalidParameterException(f"Invalid filter pattern: invalid selector '{token.text}'")
        index, place = found["index"], found.end()
        name = next((found[group] for group in ("name", "single", "double") if found[group] is not None), None)
        steps.append(name if index is None else int(index))
    return steps


def _select(value: Any, steps: Sequence[Step]) -> Iterator[Any]:
    """Every value that the steps lead to: one or none, but for `[*]`."""
    if not steps:
        yield value
        return
    step, rest = steps[0], steps[1:]
    if isinstance(step, str):
        if isinstance(value, dict) and step in value:
            yield from _select(value[step], rest)
    elif isinstance(value, list):
        for element in value if step is None else value[step : step + 1]:
            yield from _select(element, rest)
