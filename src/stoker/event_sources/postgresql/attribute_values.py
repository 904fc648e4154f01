"""PostgreSQL's values as DynamoDB's attribute values: `{"N": "1.10"}`, with every digit that there is. Pure.

Numbers are N as PostgreSQL writes them (also NaN and Infinity), bytea is B, json and arrays are M and L of such values,
and everything else is S: times in ISO 8601, and types that are not PostgreSQL's own as it writes them.
"""

import base64
import json
from collections.abc import Callable
from typing import Any

from psycopg import postgres
from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap, Loader, Transformer
from psycopg.pq import Format
from psycopg.types.array import register_array

AttributeValue = dict[str, Any]
NULL: AttributeValue = {"NULL": True}
# So that what is written does not depend on how the database or its user is set up.
SESSION = "-c DateStyle=ISO -c TimeZone=UTC -c IntervalStyle=iso_8601 -c bytea_output=hex -c extra_float_digits=1"
_NUMBERS = ("int2", "int4", "int8", "numeric", "float4", "float8", "oid")
_ANY_OTHER = 0


class AttributeValues:
    """How each type is read. psycopg knows how arrays are written; what is in them is read here."""

    def __init__(self) -> None:
        adapters = AdaptersMap(types=postgres.types)
        adapters.register_loader(_ANY_OTHER, _loader(lambda text: {"S": text}))
        for info in postgres.types:
            adapters.register_loader(info.oid, _loader(lambda text: {"S": text}))
        for name in _NUMBERS:
            adapters.register_loader(name, _loader(lambda text: {"N": text}))
        adapters.register_loader("bool", _loader(lambda text: {"BOOL": text == "t"}))
        adapters.register_loader("bytea", _loader(_of_bytea))
        for name in ("json", "jsonb"):
            adapters.register_loader(name, _loader(_of_json))
        for info in postgres.types:
            if info.array_oid:
                register_array(info, adapters)
        self._transformer = Transformer.from_context(adapters)

    def read(self, type_oid: int, value: bytes | None) -> AttributeValue:
        """A column's value, as it came."""
        if value is None:
            return NULL
        loaded = self._transformer.get_loader(type_oid, Format.TEXT).load(value)
        return loaded if isinstance(loaded, dict) else _of_array(loaded)


def _loader(read: Callable[[str], AttributeValue]) -> type[Loader]:
    class TextLoader(Loader):
        format = Format.TEXT

        def load(self, data: Buffer) -> AttributeValue:
            return read(bytes(data).decode())

    return TextLoader


def _of_array(loaded: Any) -> AttributeValue:
    if isinstance(loaded, list):
        return {"L": [_of_array(each) for each in loaded]}
    return NULL if loaded is None else loaded


def _of_bytea(text: str) -> AttributeValue:
    return {"B": base64.b64encode(bytes.fromhex(text[2:])).decode("ascii")}


class _Number(str):
    """A number of a document, digit by digit."""

    __slots__ = ()


def _of_json(text: str) -> AttributeValue:
    try:
        return _of_document(json.loads(text, parse_float=_Number, parse_int=_Number))
    except RecursionError:
        return {"S": text}


def _of_document(value: Any) -> AttributeValue:
    if isinstance(value, _Number):
        return {"N": str(value)}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, list):
        return {"L": [_of_document(each) for each in value]}
    if isinstance(value, dict):
        return {"M": {name: _of_document(each) for name, each in value.items()}}
    return NULL
