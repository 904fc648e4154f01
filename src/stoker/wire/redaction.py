"""A call's parameters as they may be written down: without secrets and without data."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
# Not every model marks what is secret. Tokens that only make a request unique, or continue a list, are none.
_SECRET = re.compile(
    r"secret(?!.*(arn|id|name)$)|password|passphrase|credential|sessiontoken|privatekey|tokencode", re.IGNORECASE
)
# What gives access to an event source: a password, or where one is.
_SECRET_SHAPES = frozenset({"URI"})


def is_secret(shape: Shape) -> bool:
    """Whether a model's shape is not to be shown, by what it says or by what it is for."""
    return bool(shape.metadata.get("sensitive")) or shape.name in _SECRET_SHAPES


def redact(shape: Shape | None, value: Any, name: str = "") -> Any:
    """A value of a shape as JSON: what the model calls sensitive, or what is called a secret, is hidden; bytes are left
    out. Names begin in lower case, as CloudTrail writes them."""
    if shape is None or value is None:
        return None
    if is_secret(shape) or (shape.type_name == "string" and _SECRET.search(name)):
        return HIDDEN
    if isinstance(shape, StructureShape):
        members = {each: redact(shape.members[each], item, each) for each, item in value.items()}
        return {each[:1].lower() + each[1:]: item for each, item in members.items() if item is not None}
    if isinstance(shape, ListShape):
        return [redact(shape.member, item, name) for item in value]
    if isinstance(shape, MapShape):
        return _redact_map(shape, value)
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, str | int | float) else None


def _redact_map(shape: MapShape, value: Mapping[str, Any]) -> Mapping[str, Any]:
    hidden = shape.key.metadata.get("sensitive")
    return {} if hidden else {key: redact(shape.value, item, key) for key, item in value.items()}
