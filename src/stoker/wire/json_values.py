"""JSON to parameters and members to JSON, compiled per shape."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, NoReturn

from botocore.model import ListShape, MapShape, Shape, StructureShape

from stoker.wire import timestamps
from stoker.wire.errors import SerializationException

Reader = Callable[[Any], Any]
Writer = Callable[[Any], Any]

_INTEGER_BITS = {"integer": 32, "long": 64}
_BASE64_STEP = 1 << 20  # characters decoded between two chances for another thread to run; a multiple of 4
_TOKENS = {str: "STRING_VALUE", bool: "TRUE_VALUE", int: "NUMBER_VALUE", float: "NUMBER_VALUE"}


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decode = json.JSONDecoder(parse_constant=_refuse_constant).decode
encode: Callable[[Any], str] = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
"""Compact JSON in ASCII, which also carries what UTF-8 can't."""


def parse_object(body: bytes) -> dict[str, Any]:
    """The body as a JSON object, an empty one for no body.

    Raises ValueError, with what is wrong and where, for anything else.
    """
    if not body:
        return {}
    try:
        value = _decode(body.decode())
    except RecursionError as error:
        raise ValueError("the document is nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("Unexpected value type in payload")
    return value


class JsonReaders:
    """Readers of one service's shapes: JSON values to parameters as boto3's users write them."""

    def __init__(self, scalars: Mapping[str, Reader] = MappingProxyType({})) -> None:
        """`scalars` replace readers of plain values, by the name of their type."""
        self._scalars = {**_SCALAR_READERS, **scalars}
        self._structures: dict[str, Reader] = {}

    def structure(self, shape: StructureShape, names: frozenset[str] | None = None) -> Reader:
        """A reader of objects; of only those members in `names`, if given."""
        if names is not None:
            return partial(_read_structure, [self._field(name, shape.members[name]) for name in names])
        if shape.name not in self._structures:
            fields: list[tuple[str, str, Reader]] = []
            self._structures[shape.name] = partial(_read_structure, fields)
            fields += [self._field(name, member) for name, member in shape.members.items()]
        return self._structures[shape.name]

    def _field(self, name: str, shape: Shape) -> tuple[str, str, Reader]:
        return name, shape.serialization.get("name", name), self.value(shape)

    def value(self, shape: Shape) -> Reader:
        if isinstance(shape, StructureShape):
            return _as_sent if shape.metadata.get("document") else self.structure(shape)
        if isinstance(shape, ListShape):
            return partial(_read_list, self.value(shape.member))
        if isinstance(shape, MapShape):
            return partial(_read_map, self.value(shape.value))
        if shape.type_name in _INTEGER_BITS:
            return partial(_read_integer, 1 << (_INTEGER_BITS[shape.type_name] - 1))
        return self._scalars[shape.type_name]


class JsonWriters:
    """Writers of one service's shapes: members as services answer them to what `json` writes."""

    def __init__(self) -> None:
        self._structures: dict[str, Writer] = {}

    def structure(self, shape: StructureShape, names: frozenset[str] | None = None) -> Writer:
        """A writer of objects; of only those members in `names`, if given. An unknown member is a bug of ours."""
        if names is not None:
            chosen = {name: self._field(name, shape.members[name]) for name in names}
            return partial(_write_structure, shape.name, chosen)
        if shape.name not in self._structures:
            fields: dict[str, tuple[str, Writer | None]] = {}
            self._structures[shape.name] = partial(_write_structure, shape.name, fields)
            fields |= {name: self._field(name, member) for name, member in shape.members.items()}
        return self._structures[shape.name]

    def _field(self, name: str, shape: Shape) -> tuple[str, Writer | None]:
        return shape.serialization.get("name", name), self.value(shape)

    def value(self, shape: Shape) -> Writer | None:
        """None where the value is written as it is."""
        if isinstance(shape, StructureShape):
            return None if shape.metadata.get("document") else self.structure(shape)
        if isinstance(shape, ListShape):
            member = self.value(shape.member)
            return None if member is None else partial(_write_list, member)
        if isinstance(shape, MapShape):
            value = self.value(shape.value)
            return None if value is None else partial(_write_map, value)
        if shape.type_name == "timestamp":
            return timestamps.WRITERS[shape.serialization.get("timestampFormat", "unixTimestamp")]
        return _write_blob if shape.type_name == "blob" else None


class UnknownMemberError(Exception):
    """A service answered a member that its output shape does not have."""


def _read_structure(fields: list[tuple[str, str, Reader]], value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _mismatch(value, "structure")
    params = {}
    for name, sent_as, read in fields:
        member = value.get(sent_as)
        if member is not None:
            params[name] = read(member)
    return params


def _read_list(read: Reader, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _mismatch(value, "list")
    return [None if element is None else read(element) for element in value]


def _read_map(read: Reader, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _mismatch(value, "map")
    return {_read_string(key): None if element is None else read(element) for key, element in value.items()}


def _read_string(value: Any) -> str:
    if not isinstance(value, str):
        raise _mismatch(value, "String")
    if not value.isascii():
        _refuse_lone_surrogates(value)
    return value


def _refuse_lone_surrogates(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise SerializationException("A string holds half of a surrogate pair, which is not Unicode text") from error


def _read_integer(limit: int, value: Any) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not -limit <= value < limit:
        raise _mismatch(value, "Integer" if limit == 1 << 31 else "Long")
    return value


def _read_float(value: Any) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if value in ("NaN", "Infinity", "-Infinity"):
        return float(value)
    raise _mismatch(value, "Double")


def _read_boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _mismatch(value, "Boolean")
    return value


def _read_blob(value: Any) -> bytes:
    if not isinstance(value, str):
        raise _mismatch(value, "Blob")
    return decode_base64(value)


def decode_base64(text: str) -> bytes:
    """Strict base64. Long texts are decoded in steps, so that a thread that does this lets others run."""
    try:
        if len(text) <= _BASE64_STEP:
            return base64.b64decode(text, validate=True)
        pieces = [text[start : start + _BASE64_STEP] for start in range(0, len(text), _BASE64_STEP)]
        if any("=" in piece for piece in pieces[:-1]):
            raise SerializationException("Invalid base64")
        return b"".join(base64.b64decode(piece, validate=True) for piece in pieces)
    except (binascii.Error, ValueError) as error:
        raise SerializationException("Invalid base64") from error


def _as_sent(value: Any) -> Any:
    return value


_SCALAR_READERS: Mapping[str, Reader] = {
    "string": _read_string,
    "character": _read_string,
    "boolean": _read_boolean,
    "float": _read_float,
    "double": _read_float,
    "blob": _read_blob,
    "timestamp": timestamps.read,
}


def _mismatch(value: Any, expected: str) -> SerializationException:
    if isinstance(value, dict):
        return SerializationException("Start of structure or map found where not expected.")
    if isinstance(value, list):
        return SerializationException("Start of list found where not expected")
    if expected in ("structure", "list", "map"):
        return SerializationException("Unexpected field type")
    return SerializationException(
        f"{_TOKENS.get(type(value), 'VALUE')} can not be converted to {_article(expected)} {expected}"
    )


def _article(noun: str) -> str:
    return "an" if noun[0] in "AEIOU" else "a"


def _write_structure(
    shape_name: str, fields: Mapping[str, tuple[str, Writer | None]], value: Mapping[str, Any]
) -> dict[str, Any]:
    written = {}
    for name, member in value.items():
        if name not in fields:
            raise UnknownMemberError(f"{shape_name} has no member {name!r}")
        if member is not None:
            sent_as, write = fields[name]
            written[sent_as] = member if write is None else write(member)
    return written


def _write_list(write: Writer, value: Any) -> list[Any]:
    return [None if element is None else write(element) for element in value]


def _write_map(write: Writer, value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: None if element is None else write(element) for key, element in value.items()}


def _write_blob(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")
