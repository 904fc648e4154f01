"""Keys of items: which attributes, of which types and sizes, and the bytes that the database keeps them in order by."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from stoker.items import number
from stoker.items.attribute_value import AttributeValue, Item, normalise, value_size
from stoker.items.table import Index, Key, Table
from stoker.model.errors import ValidationException

MAX_HASH_BYTES = 2048
MAX_RANGE_BYTES = 1024
# Enough that nobody finds two partition keys of one digest, and little enough for PostgreSQL's index rows.
DIGEST_BYTES = 16
_INVALID = "One or more parameter values were invalid: "


class RowKey(NamedTuple):
    """Where a row stands: the digest of the partition key, and bytes in the order of the sort key (empty: none)."""

    hash: bytes
    range: bytes


def row_key(table: Table, item: Mapping[str, AttributeValue]) -> RowKey:
    """The row of an item, or of a key, that has been checked."""
    key = table.key
    return RowKey(hash_bytes(item[key.hash]), b"" if key.range is None else range_bytes(item[key.range]))


def index_row_key(table: Table, index: Index, item: Item) -> RowKey | None:
    """Where an item stands in an index; None where it has not all of the index's key.

    Nor where that is unfit for a key, which it can be in an item that is older than the index.
    """
    key = index.key
    for name, most in zip(key.names, (MAX_HASH_BYTES, MAX_RANGE_BYTES), strict=False):
        content = item.get(name, {}).get(table.types[name])
        if not content or value_size(item[name]) > most:
            return None
    return RowKey(hash_bytes(item[key.hash]), b"" if key.range is None else range_bytes(item[key.range]))


def hash_bytes(value: AttributeValue) -> bytes:
    """The digest of a partition key: items come in its order, which says nothing, as in DynamoDB."""
    return hashlib.blake2b(range_bytes(value), digest_size=DIGEST_BYTES).digest()


def range_bytes(value: AttributeValue) -> bytes:
    """Bytes that sort as the values of one key attribute do."""
    ((kind, content),) = value.items()
    if kind == "N":
        return number.key_bytes(content)
    return content.encode() if kind == "S" else bytes(content)


def checked_key(table: Table, given: Mapping[str, Any]) -> Item:
    """The key that a request names an item by: exactly the table's key attributes."""
    key = {name: normalise(value) for name, value in given.items()}
    if set(key) != set(table.key.names) or any(table.types[name] not in value for name, value in key.items()):
        raise ValidationException("The provided key element does not match the schema")
    _check_sizes(table.key, key, _key_told)
    return key


def check_item_keys(table: Table, item: Item) -> None:
    """An item to be put must have the table's key; an index's attributes may be absent, but not of another type."""
    for name in table.key.names:
        if name not in item:
            raise ValidationException(f"{_INVALID}Missing the key {name} in the item")
        _check_type(item[name], table.types[name], f"key {name} expected", "actual")
    _check_sizes(table.key, item, _key_told)
    check_index_keys(table, item)


def check_index_keys(table: Table, item: Item) -> None:
    """What an item has of its indexes' keys must be fit for that."""
    for index in table.indexes:
        for name in index.key.names:
            if name in item and name not in table.key.names:
                suffix = f" IndexName: {index.name}"
                _check_type(item[name], table.types[name], f"Index Key {name} Expected", "Actual", suffix)
        present = {name: item[name] for name in index.key.names if name in item}
        _check_sizes(index.key, present, lambda name, index=index: _index_key_told(index, name))  # type: ignore[misc]


def _check_type(value: AttributeValue, expected: str, what: str, actual: str, suffix: str = "") -> None:
    if expected not in value:
        raise ValidationException(
            f"{_INVALID}Type mismatch for {what}: {expected} {actual}: {next(iter(value))}{suffix}"
        )


def _check_sizes(key: Key, item: Mapping[str, AttributeValue], told: Callable[[str], str]) -> None:
    for name in key.names:
        if name not in item:
            continue
        ((kind, content),) = item[name].items()
        if not content:
            value = "string" if kind == "S" else "binary"
            raise ValidationException(
                "One or more parameter values are not valid. " + told(name).format(value=f"an empty {value} value")
            )
        size = value_size(item[name])
        if name == key.hash and size > MAX_HASH_BYTES:
            raise ValidationException(
                f"{_INVALID}Size of hashkey has exceeded the maximum size limit of{MAX_HASH_BYTES} bytes"
            )
        if name == key.range and size > MAX_RANGE_BYTES:
            raise ValidationException(
                f"{_INVALID}Aggregated size of all range keys has exceeded the size limit of {MAX_RANGE_BYTES} bytes"
            )


def _key_told(name: str) -> str:
    return f"The AttributeValue for a key attribute cannot contain {{value}}. Key: {name}"


def _index_key_told(index: Index, name: str) -> str:
    return (
        "A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot "
        f"contain {{value}}. IndexName: {index.name}, IndexKey: {name}"
    )
