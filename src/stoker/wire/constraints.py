"""The models' bounds, patterns and enums, checked the way AWS does: every violation is found and told in its words."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from stoker.model.errors import ValidationException
from stoker.wire.patterns import to_python
from stoker.wire.redaction import is_secret

Check = Callable[[Any, str, list[str]], None]
"""Takes a value, its path and the list that violations are added to."""

NOT_NULL = "Member must not be null"
UNCHECKED_ENUMS = frozenset(
    {
        "Runtime",
        "QueueAttributeName",
        "MessageSystemAttributeName",
        "MessageSystemAttributeNameForSends",
        "BucketCannedACL",
        "BucketLocationConstraint",
        "EncodingType",
        "ObjectCannedACL",
        "ServerSideEncryption",
        "StorageClass",
        "Event",
        "FilterRuleName",
    }
)
"""Shapes whose enum is the service's to check: Lambda answers InvalidParameterValueException for a runtime, S3 has an
error for each."""

# S3 Control's model asks for a region in the ARN of what has tags; those of buckets have none, and are taken.
_UNCHECKED_PATTERNS = frozenset({"S3ResourceArn"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One constraint: what AWS says of it, and whether a value keeps it."""

    text: str
    holds: Callable[[Any], bool]


class ConstraintCompiler:
    """Makes one check per shape. A shape that asks for nothing has none (None), and costs nothing."""

    def __init__(self) -> None:
        self._checks: dict[str, Check | None] = {}

    def compile_input(self, shape: StructureShape | None) -> Callable[[dict[str, Any]], None] | None:
        """A function that raises ValidationException for parameters that break a constraint."""
        check = self._check(shape) if shape is not None else None
        return partial(_validate, check) if check is not None else None

    def _check(self, shape: Shape) -> Check | None:
        if shape.name in self._checks:
            return self._checks[shape.name]
        # A recursive shape meets itself while it is being compiled: it then looks its check up when it runs.
        self._checks[shape.name] = partial(self._look_up, shape.name)
        self._checks[shape.name] = check = self._compile(shape)
        return check

    def _look_up(self, name: str, value: Any, path: str, found: list[str]) -> None:
        check = self._checks[name]
        if check is not None:
            check(value, path, found)

    def _compile(self, shape: Shape) -> Check | None:
        if isinstance(shape, StructureShape):
            return self._compile_structure(shape)
        if isinstance(shape, ListShape):
            return self._compile_list(shape)
        if isinstance(shape, MapShape):
            return self._compile_map(shape)
        rules = rules_of(shape)
        return partial(_check_rules, rules, _renderer(shape)) if rules else None

    def _compile_structure(self, shape: StructureShape) -> Check | None:
        required = frozenset(shape.metadata.get("required", ()))
        fields = []
        for name, member in shape.members.items():
            check = self._check(member)
            if check is not None or name in required:
                fields.append((name, _in_path(name), name in required, check))
        return partial(_check_structure, tuple(fields)) if fields else None

    def _compile_list(self, shape: ListShape) -> Check | None:
        nested = isinstance(shape.member, (StructureShape, ListShape, MapShape))
        member = self._check(shape.member) if nested else None
        elements = () if nested else rules_of(shape.member)
        return partial(_check_list, rules_of(shape), elements, member, _renderer(shape))

    def _compile_map(self, shape: MapShape) -> Check | None:
        nested = isinstance(shape.value, (StructureShape, ListShape, MapShape))
        value = self._check(shape.value) if nested else None
        values = () if nested else rules_of(shape.value)
        return partial(_check_map, rules_of(shape), rules_of(shape.key), values, value, _renderer(shape))


def rules_of(shape: Shape) -> tuple[Rule, ...]:
    """A shape's own constraints, in the order AWS tells them."""
    metadata = shape.metadata
    measure, what = (_length, "length") if shape.type_name in _MEASURED else (_value, "value")
    rules = []
    if "max" in metadata:
        most = metadata["max"]
        text = f"Member must have {what} less than or equal to {most}"
        rules.append(Rule(text=text, holds=measure(most, at_most=True)))
    if "min" in metadata:
        least = metadata["min"]
        text = f"Member must have {what} greater than or equal to {least}"
        rules.append(Rule(text=text, holds=measure(least, at_most=False)))
    if "pattern" in metadata and shape.name not in _UNCHECKED_PATTERNS:
        matches, longest = to_python(metadata["pattern"]).fullmatch, metadata.get("max", math.inf)
        text = f"Member must satisfy regular expression pattern: {metadata['pattern']}"
        # What is too long is told so, and not looked through: a pattern may take the square of the length.
        rules.append(Rule(text=text, holds=lambda value: len(value) > longest or matches(value) is not None))
    if "enum" in metadata and shape.name not in UNCHECKED_ENUMS:
        text = f"Member must satisfy enum value set: [{', '.join(metadata['enum'])}]"
        rules.append(Rule(text=text, holds=frozenset(metadata["enum"]).__contains__))
    return tuple(rules)


_MEASURED = frozenset({"string", "blob", "list", "map"})


def _length(bound: int, *, at_most: bool) -> Callable[[Any], bool]:
    return (lambda value: len(value) <= bound) if at_most else (lambda value: len(value) >= bound)


def _value(bound: float, *, at_most: bool) -> Callable[[Any], bool]:
    return (lambda value: value <= bound) if at_most else (lambda value: value >= bound)


def _validate(check: Check, params: dict[str, Any]) -> None:
    found: list[str] = []
    check(params, "", found)
    if found:
        noun = "error" if len(found) == 1 else "errors"
        raise ValidationException(f"{len(found)} validation {noun} detected: {'; '.join(found)}")


def _check_structure(
    fields: tuple[tuple[str, str, bool, Check | None], ...], value: Mapping[str, Any], path: str, found: list[str]
) -> None:
    for name, label, required, check in fields:
        member = value.get(name)
        if member is not None:
            if check is not None:
                check(member, path + label, found)
        elif required:
            # A structure's path stands without its leading dot at the top.
            found.append(_violation("Value null", path + label, NOT_NULL))


def _check_rules(
    rules: tuple[Rule, ...], render: Callable[[Any], str], value: Any, path: str, found: list[str]
) -> None:
    for rule in rules:
        if not rule.holds(value):
            found.append(_violation(render(value), path, rule.text))


def _check_list(
    rules: tuple[Rule, ...],
    elements: tuple[Rule, ...],
    member: Check | None,
    render: Callable[[Any], str],
    value: list[Any],
    path: str,
    found: list[str],
) -> None:
    _check_rules(rules, render, value, path, found)
    if member is not None:
        for index, element in enumerate(value, 1):
            if element is None:
                found.append(_violation("Value null", f"{path}.{index}.member", NOT_NULL))
            else:
                member(element, f"{path}.{index}.member", found)
    elif not all(element is not None and _keeps(elements, element) for element in value):
        found.append(_violation(render(value), path, f"Member must satisfy constraint: {_all_of(elements)}"))


def _check_map(
    rules: tuple[Rule, ...],
    keys: tuple[Rule, ...],
    values: tuple[Rule, ...],
    check: Check | None,
    render: Callable[[Any], str],
    value: Mapping[str, Any],
    path: str,
    found: list[str],
) -> None:
    _check_rules(rules, render, value, path, found)
    if not all(_keeps(keys, key) for key in value):
        found.append(_violation(render(value), path, f"Map keys must satisfy constraint: {_all_of(keys)}"))
    if check is not None:
        for key, element in value.items():
            if element is None:
                found.append(_violation("Value null", f"{path}.{key}.member", NOT_NULL))
            else:
                check(element, f"{path}.{key}.member", found)
    elif not all(element is not None and _keeps(values, element) for element in value.values()):
        found.append(_violation(render(value), path, f"Map value must satisfy constraint: {_all_of(values)}"))


def _keeps(rules: tuple[Rule, ...], value: Any) -> bool:
    return all(rule.holds(value) for rule in rules)


def _all_of(rules: tuple[Rule, ...]) -> str:
    return f"[{', '.join([*(rule.text for rule in rules), NOT_NULL])}]"


def _violation(value: str, path: str, constraint: str) -> str:
    return f"{value} at '{path.removeprefix('.')}' failed to satisfy constraint: {constraint}"


def _in_path(name: str) -> str:
    return f".{name[:1].lower()}{name[1:]}"


def _renderer(shape: Shape) -> Callable[[Any], str]:
    """How a violation shows the value: not at all where the model calls it sensitive."""
    return (lambda value: "Value") if is_secret(shape) else (lambda value: f"Value '{_as_java(value)}'")


def _as_java(value: Any) -> str:
    """A value as Java's toString writes it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(_as_java(element) for element in value)}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}={_as_java(element)}' for key, element in value.items())}}}"
    if isinstance(value, bytes):
        return f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
    return str(value)
