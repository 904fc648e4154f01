"""What may be asked for in CreateTable and UpdateTable. Pure; words in, values out, DynamoDB's texts for the rest."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stoker.items.table import INCLUDE, PAY_PER_REQUEST, PROVISIONED, Index, Key, Table, Throughput
from stoker.model.errors import NotBuiltError, ValidationException

MAX_GLOBAL_INDEXES = 20
MAX_LOCAL_INDEXES = 5
MAX_INCLUDED = 100
MAX_TAGS = 50
_NAME = re.compile(r"[a-zA-Z0-9_.-]+")
_ARN = re.compile(r"arn:aws[a-z-]*:dynamodb:[a-z0-9-]*:\d*:table/([a-zA-Z0-9_.-]+)")
_INVALID = "One or more parameter values were invalid: "
# What no code here obeys is not taken.
_UNBUILT = (
    "WarmThroughput",
    "ResourcePolicy",
    "OnDemandThroughput",
    "VectorIndexes",
    "VectorIndexUpdates",
    "DisassociationProtectionEnabled",
    "GlobalTableSourceArn",
    "GlobalTableSettingsReplicationMode",
    "ReplicaUpdates",
    "MultiRegionConsistency",
    "GlobalTableWitnessUpdates",
)


def table_name(text: str) -> str:
    """A table's name, given as such or as its ARN."""
    if match := _ARN.fullmatch(text):
        return match[1]
    if not _NAME.fullmatch(text):
        raise ValidationException(
            f"1 validation error detected: Value '{text}' at 'tableName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
        )
    if not 3 <= len(text) <= 255:
        raise ValidationException("TableName must be at least 3 characters long and at most 255 characters long")
    return text


def refuse_unbuilt(params: Mapping[str, Any]) -> None:
    """NotBuiltError for settings that would be stored and not obeyed."""
    for name in _UNBUILT:
        if params.get(name):
            raise NotBuiltError(f"{name} of a table is not there yet in Stoker.")
    if params.get("SSESpecification", {}).get("Enabled"):
        raise NotBuiltError("SSESpecification: Stoker has no KMS keys; encrypt the disk under its data directory.")
    if params.get("TableClass", "STANDARD") != "STANDARD":
        raise NotBuiltError("TableClass: Stoker has one class of tables, STANDARD.")


def new_table(params: Mapping[str, Any], *, region: str, uuid: str, now: float) -> Table:
    """The table that CreateTable asks for, without its stream."""
    refuse_unbuilt(params)
    types = _types(params.get("AttributeDefinitions"))
    if "KeySchema" not in params:
        raise ValidationException(f"{_INVALID}Missing KeySchema")
    key = _key(params["KeySchema"])
    billing_mode = params.get("BillingMode", PROVISIONED)
    throughput = table_throughput(params.get("ProvisionedThroughput"), billing_mode)
    _require_defined(key.names, types)
    indexes = _new_indexes(params, key, types, billing_mode)
    _require_used(types, key, indexes)
    return Table(
        region=region,
        name=table_name(params["TableName"]),
        uuid=uuid,
        types=types,
        key=key,
        created=now,
        indexes=indexes,
        next_index=len(indexes) + 1,
        billing_mode=billing_mode,
        billing_changed=now if billing_mode == PAY_PER_REQUEST else None,
        throughput=throughput,
        is_protected=params.get("DeletionProtectionEnabled", False),
        tags=tags_of(params.get("Tags", ())),
    )


def tags_of(tags: Iterable[Mapping[str, str]]) -> Mapping[str, str]:
    """Tags in DynamoDB's form, by key."""
    by_key: dict[str, str] = {}
    for tag in tags:
        if tag["Key"] in by_key:
            raise ValidationException(f"{_INVALID}Duplicate tag key: {tag['Key']}")
        by_key[tag["Key"]] = tag["Value"]
    check_tag_count(by_key)
    return by_key


def check_tag_count(tags: Mapping[str, str]) -> None:
    """A table has 50 tags at most."""
    if len(tags) > MAX_TAGS:
        raise ValidationException("Too Many Tags: the limit is 50 tags for a resource")


def stream_view(specification: Mapping[str, Any] | None) -> str | None:
    """The view type of the stream that is asked for, None if none is."""
    if specification is None or not specification["StreamEnabled"]:
        if specification is not None and "StreamViewType" in specification:
            raise ValidationException(f"{_INVALID}StreamViewType cannot be specified when StreamEnabled is false")
        return None
    if "StreamViewType" not in specification:
        raise ValidationException(f"{_INVALID}StreamViewType is required when StreamEnabled is true")
    view: str = specification["StreamViewType"]
    return view


def table_throughput(given: Mapping[str, int] | None, billing_mode: str) -> Throughput | None:
    """The throughput of a table in this billing mode."""
    if billing_mode == PAY_PER_REQUEST:
        if given is not None:
            raise ValidationException(
                f"{_INVALID}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
                "PAY_PER_REQUEST"
            )
        return None
    if given is None:
        raise ValidationException(
            f"{_INVALID}ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"
        )
    return Throughput(read=given["ReadCapacityUnits"], write=given["WriteCapacityUnits"])


def new_global_index(params: Mapping[str, Any], table: Table, types: Mapping[str, str], *, status: str) -> Index:
    """The index that UpdateTable asks for."""
    index = _index(params, number=table.next_index, is_global=True, billing_mode=table.billing_mode, status=status)
    if table.index(index.name) is not None:
        raise ValidationException(f"{_INVALID}Duplicate index name: {index.name}")
    if sum(each.is_global for each in table.indexes) >= MAX_GLOBAL_INDEXES:
        raise ValidationException(
            f"{_INVALID}GlobalSecondaryIndex count exceeds the per-table limit of {MAX_GLOBAL_INDEXES}"
        )
    _require_defined(index.key.names, types)
    return index


def merged_types(table: Table, definitions: Sequence[Mapping[str, str]] | None) -> Mapping[str, str]:
    """The attribute types after an update: those of keys stay as they are."""
    merged = dict(table.types)
    for name, kind in _types(definitions or ()).items():
        if merged.setdefault(name, kind) != kind:
            raise ValidationException(
                f"{_INVALID}Attribute {name} is already defined with the type {merged[name]}, which cannot be changed"
            )
    return merged


def _types(definitions: Sequence[Mapping[str, str]] | None) -> dict[str, str]:
    if definitions is None:
        raise ValidationException(f"{_INVALID}Missing AttributeDefinitions")
    types: dict[str, str] = {}
    for definition in definitions:
        if definition["AttributeName"] in types:
            raise ValidationException(
                f"Cannot have two attributes with the same name: {definition['AttributeName']} in AttributeDefinitions"
            )
        types[definition["AttributeName"]] = definition["AttributeType"]
    return types


def _key(schema: Sequence[Mapping[str, str]]) -> Key:
    if len(schema) > 2:
        raise NotBuiltError("Keys of more than a partition and a sort key are not there yet in Stoker.")
    if schema[0]["KeyType"] != "HASH":
        raise ValidationException("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    if len(schema) == 1:
        return Key(hash=schema[0]["AttributeName"])
    if schema[1]["KeyType"] != "RANGE":
        raise ValidationException("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
    if schema[0]["AttributeName"] == schema[1]["AttributeName"]:
        raise ValidationException("Both the Hash Key and the Range Key element in the KeySchema have the same name")
    return Key(hash=schema[0]["AttributeName"], range=schema[1]["AttributeName"])


def _require_defined(names: Iterable[str], types: Mapping[str, str]) -> None:
    if any(name not in types for name in names):
        raise ValidationException(
            f"{_INVALID}Some index key attributes are not defined in AttributeDefinitions. "
            f"Keys: [{', '.join(names)}], AttributeDefinitions: [{', '.join(types)}]"
        )


def _require_used(types: Mapping[str, str], key: Key, indexes: Iterable[Index]) -> None:
    used = {*key.names, *(name for index in indexes for name in index.key.names)}
    if set(types) - used:
        if not indexes:
            raise ValidationException(
                f"{_INVALID}Number of attributes in KeySchema does not exactly match number of attributes defined in "
                "AttributeDefinitions"
            )
        raise ValidationException(
            f"{_INVALID}Some AttributeDefinitions are not used. "
            f"AttributeDefinitions: [{', '.join(types)}], keys used: [{', '.join(sorted(used))}]"
        )


def _new_indexes(params: Mapping[str, Any], key: Key, types: Mapping[str, str], billing_mode: str) -> tuple[Index, ...]:
    for kind, limit in (("LocalSecondaryIndexes", MAX_LOCAL_INDEXES), ("GlobalSecondaryIndexes", MAX_GLOBAL_INDEXES)):
        if params.get(kind) == []:
            raise ValidationException(f"{_INVALID}List of {kind} is empty")
        if len(params.get(kind, ())) > limit:
            told = f"Number of {kind}" if kind.startswith("Local") else "GlobalSecondaryIndex count"
            article = "per-table" if kind.startswith("Local") else "the per-table"
            raise ValidationException(f"{_INVALID}{told} exceeds {article} limit of {limit}")
    asked = [(each, False) for each in params.get("LocalSecondaryIndexes", ())]
    asked += [(each, True) for each in params.get("GlobalSecondaryIndexes", ())]
    indexes: list[Index] = []
    for number, (each, is_global) in enumerate(asked, 1):
        index = _index(each, number=number, is_global=is_global, billing_mode=billing_mode)
        _require_defined(index.key.names, types)
        if not is_global:
            _check_local(index, key)
        if any(index.name == other.name for other in indexes):
            raise ValidationException(f"{_INVALID}Duplicate index name: {index.name}")
        indexes.append(index)
    return tuple(indexes)


def _index(
    params: Mapping[str, Any], *, number: int, is_global: bool, billing_mode: str, status: str = "ACTIVE"
) -> Index:
    for name in ("WarmThroughput", "OnDemandThroughput"):
        if params.get(name):
            raise NotBuiltError(f"{name} of an index is not there yet in Stoker.")
    projection = params["Projection"]
    kind, included = projection.get("ProjectionType"), projection.get("NonKeyAttributes")
    if kind is None:
        raise ValidationException(f"{_INVALID}Unknown ProjectionType: null")
    if kind == INCLUDE and not included:
        raise ValidationException(f"{_INVALID}ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
    if kind != INCLUDE and included is not None:
        raise ValidationException(f"{_INVALID}ProjectionType is {kind}, but NonKeyAttributes is specified")
    return Index(
        name=params["IndexName"],
        number=number,
        is_global=is_global,
        key=_key(params["KeySchema"]),
        projection=kind,
        included=tuple(included or ()),
        status=status,
        throughput=table_throughput(params.get("ProvisionedThroughput"), billing_mode) if is_global else None,
    )


def _check_local(index: Index, key: Key) -> None:
    if key.range is None:
        raise ValidationException(
            f"{_INVALID}Table KeySchema does not have a range key, which is required when specifying a "
            "LocalSecondaryIndex"
        )
    if index.key.range is None:
        raise ValidationException(f"{_INVALID}Index KeySchema does not have a range key for index: {index.name}")
    if index.key.hash != key.hash:
        raise ValidationException(
            f"{_INVALID}Index KeySchema does not have the same leading hash key as table KeySchema for index: "
            f"{index.name}. index hash key: {index.key.hash}, table hash key: {key.hash}"
        )
