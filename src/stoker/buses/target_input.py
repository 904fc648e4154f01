"""What a rule's target gets: the event, a part of it, a constant, or a template filled in from it. Pure.

Source: "Amazon EventBridge input transformation" in the EventBridge User Guide.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from stoker.buses.event import Document, encode
from stoker.model.errors import ValidationException

_STEP = re.compile(r"\.([\w\-:/@#$]+)|\[(\d+)\]|\[\*\]|\['([^']+)'\]|\[\"([^\"]+)\"\]")
_PLACEHOLDER = re.compile(r"<([\w.\-:]+)>")
_MISSING: Any = object()
OWN_PREFIX = "aws.events."
# Of a stream's partition keys.
MAX_KEY_CHARACTERS = 256


class PathError(ValueError):
    """Not a JSON path that input paths may have."""


@dataclass(frozen=True, kw_only=True)
class RuleFacts:
    """What a template may say of the rule, and when its event came in."""

    arn: str
    name: str
    ingestion_time: str


def check_input(target: Mapping[str, Any]) -> None:
    """Raises ValidationException for a target whose input could not be made."""
    given = [name for name in ("Input", "InputPath", "InputTransformer") if name in target]
    if len(given) > 1:
        raise ValidationException(
            f"Only one of Input, InputPath, or InputTransformer must be provided for target {target['Id']}."
        )
    transformer = target.get("InputTransformer", {})
    paths: Mapping[str, str] = transformer.get("InputPathsMap", {})
    own = {"InputPath": target.get("InputPath") or "$", "PartitionKeyPath": _key_path(target)}
    for name, path in {**own, **paths}.items():
        if name.startswith("AWS"):
            raise ValidationException(f"InputPathsMap key {name} for target {target['Id']} must not begin with AWS.")
        try:
            _steps(path)
        except PathError:
            raise ValidationException(f"Parameter {path} is not valid. Reason: Invalid JsonPath.") from None
    for name in _PLACEHOLDER.findall(transformer.get("InputTemplate", "")):
        if name not in paths and not name.startswith(OWN_PREFIX):
            raise ValidationException(f"InputTemplate for target {target['Id']} contains invalid placeholder {name}.")


def target_input(target: Mapping[str, Any], event: Document, rule: RuleFacts) -> str:
    """The text that a target is given for an event."""
    if "Input" in target:
        text: str = target["Input"]
        return text
    if target.get("InputPath"):
        value = find(event, target["InputPath"])
        return encode(None if value is _MISSING else value)
    if "InputTransformer" in target:
        return _transform(target["InputTransformer"], event, rule)
    return encode(event)


def group_of(target: Mapping[str, Any], event: Document) -> str | None:
    """A FIFO queue's message group, or a stream's partition key: the event's id where no path leads to one."""
    if target["Arn"].split(":")[2] != "kinesis":
        return target.get("SqsParameters", {}).get("MessageGroupId")  # type: ignore[no-any-return]
    value = find(event, _key_path(target))
    key = value if isinstance(value, str) else "" if value is _MISSING else encode(value)
    return (key or str(event["id"]))[:MAX_KEY_CHARACTERS]


def _key_path(target: Mapping[str, Any]) -> str:
    path: str = target.get("KinesisParameters", {}).get("PartitionKeyPath", "$.id")
    return path


def find(event: Any, path: str) -> Any:
    """What a path leads to in an event; a value of no JSON type where that is nothing."""
    value = event
    for step in _steps(path):
        value = step(value)
        if value is _MISSING:
            return _MISSING
    return value


def _steps(path: str) -> list[Callable[[Any], Any]]:
    if not path.startswith("$"):
        raise PathError(path)
    steps: list[Callable[[Any], Any]] = []
    at = 1
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            raise PathError(path)
        name = match[1] or match[3] or match[4]
        if name is not None:
            steps.append(partial(_member, name))
        elif match[2] is not None:
            steps.append(partial(_element, int(match[2])))
        else:
            steps.append(lambda value: value if isinstance(value, list) else _MISSING)
        at = match.end()
    return steps


def _member(name: str, value: Any) -> Any:
    return value.get(name, _MISSING) if isinstance(value, dict) else _MISSING


def _element(index: int, value: Any) -> Any:
    return value[index] if isinstance(value, list) and index < len(value) else _MISSING


def _transform(transformer: Mapping[str, Any], event: Document, rule: RuleFacts) -> str:
    """Fill in the template. What is between quotes already loses its own; objects there lose all of theirs."""
    template: str = transformer["InputTemplate"]
    values = {name: find(event, path) for name, path in transformer.get("InputPathsMap", {}).items()}
    own = _own_values(event, rule)
    pieces, at, quoted = [], 0, False
    for match in _PLACEHOLDER.finditer(template):
        before = template[at : match.start()]
        quoted ^= _quotes(before) % 2 == 1
        pieces += [before, _filled(match[1], values, own, quoted=quoted)]
        at = match.end()
    return "".join([*pieces, template[at:]])


def _own_values(event: Document, rule: RuleFacts) -> Mapping[str, Any]:
    return {
        "aws.events.rule-arn": rule.arn,
        "aws.events.rule-name": rule.name,
        "aws.events.event.ingestion-time": rule.ingestion_time,
        "aws.events.event": {name: value for name, value in event.items() if name != "detail"},
        "aws.events.event.json": event,
    }


def _filled(name: str, values: Mapping[str, Any], own: Mapping[str, Any], *, quoted: bool) -> str:
    value = values.get(name, own.get(name, _MISSING))
    if value is _MISSING:
        return "" if quoted else "null"
    if not quoted:
        return encode(value)
    if isinstance(value, str):
        return encode(value)[1:-1]
    return encode(value).replace('"', "")


def _quotes(text: str) -> int:
    """How many quotes there are that no backslash escapes."""
    return len(re.findall(r'(?<!\\)(?:\\\\)*"', text))
