"""What is served: each service's operations, and for each the least that a client can ask for."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any
from unittest.mock import MagicMock

from botocore import xform_name
from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StringShape, StructureShape

import stoker.services
from stoker.wire.patterns import to_python

PACKAGES = sorted(module.name for module in pkgutil.iter_modules(stoker.services.__path__))
ACCOUNT = "000000000000"
# Texts of which one fits almost every pattern; ARNs come last, since many a pattern takes a name as well.
_TEXTS = (
    "nobody-s",
    "nobodys",
    "1",
    "v1",
    "200",
    "/",
    "/nobody-s",
    "00000000-0000-0000-0000-000000000000",
    "00000000000000000000",
    "rate(1 day)",
    "a.b",
    "a" * 40,
    ACCOUNT,
    "*",
    f"arn:aws:iam::{ACCOUNT}:role/nobody-s",
    f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:nobody-s",
    f"arn:aws:lambda:us-east-1:{ACCOUNT}:layer:nobody-s:1",
    f"arn:aws:lambda:us-east-1:{ACCOUNT}:code-signing-config:csc-00000000000000000",
    f"arn:aws:sqs:us-east-1:{ACCOUNT}:nobody-s",
    f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/nobody-s",
    f"arn:aws:events:us-east-1:{ACCOUNT}:archive/nobody-s",
    f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule-group/nobody-s",
    f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/nobody-s",
    f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/nobody-s/consumer/nobody-s:1",
    f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/nobody-s",
    f"arn:aws:s3:us-east-1:{ACCOUNT}:storage-lens-group/nobody-s",
    f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/nobody-s/stream/2026-01-01T00:00:00.000",
)


def service_of(package: str) -> Any:
    """The service of a package, on nothing: only its attributes are looked at."""
    module = importlib.import_module(f"stoker.services.{package}.service")
    own = (each for each in vars(module).values() if inspect.isclass(each) and each.__module__ == module.__name__)
    (cls,) = (each for each in own if hasattr(each, "name"))
    wanted = inspect.signature(cls).parameters
    return cls(**{name: MagicMock() for name in wanted})


def model_of(name: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(name, "service-2"), name)


def operations_of(service: Any) -> Iterator[OperationModel]:
    """Those that a service serves."""
    model = model_of(service.name)
    for name in model.operation_names:
        if xform_name(name) in service.operations:
            yield model.operation_model(name)


def least(shape: Shape | None) -> Any:
    """A value with nothing in it that it could do without."""
    if isinstance(shape, StructureShape):
        members = {name: least(shape.members[name]) for name in shape.required_members}
        if getattr(shape, "is_tagged_union", False) and not members:
            name, member = next(iter(shape.members.items()))
            return {name: least(member)}
        return members
    if isinstance(shape, ListShape):
        return [least(shape.member) for _ in range(max(1, shape.metadata.get("min", 0)))]
    if isinstance(shape, MapShape):
        return {least(shape.key): least(shape.value)}
    if isinstance(shape, StringShape):
        return _text(shape)
    values: dict[str, Any] = {"boolean": False, "blob": b"{}", "timestamp": 1_700_000_000, "double": 1.0, "float": 1.0}
    if shape is None or shape.type_name in values:
        return {} if shape is None else values[shape.type_name]
    return max(1, shape.metadata.get("min", 1))


def _text(shape: StringShape) -> str:
    if shape.enum:
        return str(shape.enum[0])
    low, high = shape.metadata.get("min", 0), shape.metadata.get("max", 1 << 20)
    pattern = shape.metadata.get("pattern")
    matches = to_python(pattern).fullmatch if pattern else None
    for text in _TEXTS:
        if low <= len(text) <= high and (matches is None or matches(text)):
            return text
    raise AssertionError(f"no text here is a {shape.name}: {pattern!r}, {low} to {high} characters")
