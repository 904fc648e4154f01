"""Answers held against the shapes that botocore's models declare."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from botocore.eventstream import EventStream
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape
from botocore.response import StreamingBody

_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "character": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "timestamp": datetime,
    "blob": (bytes, str, StreamingBody),
}


# Where AWS itself is not what its model says.
_AS_AWS_ANSWERS: Mapping[str, Callable[[Any], bool]] = {
    # The answer for us-east-1 is an empty element, which boto3 makes a null.
    "BucketLocationConstraint": lambda value: value is None,
    # Whatever the case that it was put in.
    "FilterRuleName": lambda value: value in ("Prefix", "Suffix"),
    "PermissionsBoundaryAttachmentType": lambda value: value == "Policy",
    # boto3 reads IAM's documents itself.
    "policyDocumentType": lambda value: isinstance(value, dict),
}
# What boto3 adds to an answer of S3's, for dates that are none.
_OF_BOTO = "ExpiresString"


def misfits(shape: Shape | None, value: Any, path: str = "") -> Iterator[str]:
    """Where an answer is not what its shape says: types, enums, members that must be there."""
    if isinstance(shape, StructureShape):
        yield from _of_structure(shape, value, path)
    elif isinstance(shape, ListShape):
        for index, each in enumerate(value) if isinstance(value, list) else ():
            yield from misfits(shape.member, each, f"{path}[{index}]")
        if not isinstance(value, list):
            yield f"{path} is no list: {value!r}"
    elif isinstance(shape, MapShape):
        if not isinstance(value, dict):
            yield f"{path} is no map: {value!r}"
            return
        for key, each in value.items():
            yield from misfits(shape.key, key, f"{path} key")
            yield from misfits(shape.value, each, f"{path}.{key}")
    elif shape is not None:
        yield from _of_scalar(shape, value, path)


def _of_structure(shape: StructureShape, value: Any, path: str) -> Iterator[str]:
    if getattr(shape, "is_document_type", False) or isinstance(value, EventStream):
        return
    if not isinstance(value, dict):
        yield f"{path} is no structure: {value!r}"
        return
    yield from (f"{path}.{name} is not there" for name in shape.required_members if name not in value)
    for name, each in value.items():
        if name in shape.members:
            yield from misfits(shape.members[name], each, f"{path}.{name}")
        elif name not in ("ResponseMetadata", _OF_BOTO):
            yield f"{path}.{name} is no member of {shape.name}"


def _of_scalar(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if shape.name in _AS_AWS_ANSWERS and _AS_AWS_ANSWERS[shape.name](value):
        return
    if not isinstance(value, _TYPES[shape.type_name]) or (isinstance(value, bool) and shape.type_name != "boolean"):
        yield f"{path} is no {shape.type_name}: {value!r}"
    elif isinstance(shape, StringShape) and shape.enum and value not in shape.enum:
        yield f"{path} is none of {shape.name}: {value!r}"
