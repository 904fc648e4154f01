"""Parameters to what the engine takes: expressions bound, or the older parameters turned into such."""

from collections.abc import Mapping, Sequence
from typing import Any

from stoker.items import legacy
from stoker.items.attribute_value import normalise_item
from stoker.items.binding import Bindings
from stoker.items.expression import Condition, Projection, Update
from stoker.items.expression_parser import ExpressionParser
from stoker.items.expression_paths import attribute_names
from stoker.items.items import Lookup
from stoker.items.key_conditions import KeyTest, key_tests
from stoker.items.reading import Search
from stoker.items.table_rules import table_name
from stoker.items.writing import Write
from stoker.model.errors import ValidationException

Params = Mapping[str, Any]
_LEGACY = (
    "AttributesToGet",
    "AttributeUpdates",
    "Expected",
    "ConditionalOperator",
    "KeyConditions",
    "QueryFilter",
    "ScanFilter",
)
_EXPRESSIONS = (
    "ProjectionExpression",
    "UpdateExpression",
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
)
# Which expressions each operation has: errors name them.
_OF_OPERATION = {
    "PutItem": ("ConditionExpression",),
    "DeleteItem": ("ConditionExpression",),
    "UpdateItem": ("UpdateExpression", "ConditionExpression"),
    "GetItem": ("ProjectionExpression",),
    "Query": ("KeyConditionExpression", "FilterExpression", "ProjectionExpression"),
    "Scan": ("FilterExpression", "ProjectionExpression"),
}
_WITH_VALUES = frozenset(_EXPRESSIONS) - {"ProjectionExpression"}


class RequestReader:
    """Reads the parameters of operations on items. Thread-safe; raises ValidationException in DynamoDB's words."""

    def __init__(self) -> None:
        self._parser = ExpressionParser()

    def put(self, params: Params) -> Write:
        bindings = self._bindings(params, "PutItem")
        write = Write(
            table=table_name(params["TableName"]),
            item=normalise_item(params["Item"]),
            condition=self._condition(params, bindings),
            shows_item_on_failure=_shows_item(params),
        )
        bindings.check_all_used()
        return write

    def delete(self, params: Params) -> Write:
        bindings = self._bindings(params, "DeleteItem")
        write = Write(
            table=table_name(params["TableName"]),
            key=params["Key"],
            condition=self._condition(params, bindings),
            shows_item_on_failure=_shows_item(params),
        )
        bindings.check_all_used()
        return write

    def update(self, params: Params) -> Write:
        bindings = self._bindings(params, "UpdateItem")
        write = Write(
            table=table_name(params["TableName"]),
            key=params["Key"],
            update=self._update(params, bindings),
            condition=self._condition(params, bindings),
            shows_item_on_failure=_shows_item(params),
        )
        bindings.check_all_used()
        return write

    def check(self, params: Params) -> Write:
        bindings = self._bindings(params, "DeleteItem")
        write = Write(
            table=table_name(params["TableName"]),
            key=params["Key"],
            is_check=True,
            condition=self._condition(params, bindings),
            shows_item_on_failure=_shows_item(params),
        )
        bindings.check_all_used()
        return write

    def lookup(self, params: Params) -> tuple[Lookup, Projection | None]:
        bindings = self._bindings(params, "GetItem")
        projection = self._projection(params, bindings)
        bindings.check_all_used()
        return (
            Lookup(
                table=table_name(params["TableName"]),
                key=params["Key"],
                consistent=params.get("ConsistentRead", False),
            ),
            projection,
        )

    def lookups(self, table: str, params: Params) -> tuple[Sequence[Lookup], Projection | None]:
        """The items of one table in a BatchGetItem."""
        bindings = self._bindings(params, "GetItem")
        projection = self._projection(params, bindings)
        bindings.check_all_used()
        consistent = params.get("ConsistentRead", False)
        return [Lookup(table=table, key=key, consistent=consistent) for key in params["Keys"]], projection

    def query(self, params: Params) -> Search:
        bindings = self._bindings(params, "Query")
        tests = self._key_tests(params, bindings)
        condition = self._filter(params, "QueryFilter", bindings)
        return self._search(params, bindings, condition, tests=tests)

    def scan(self, params: Params) -> Search:
        bindings = self._bindings(params, "Scan")
        condition = self._filter(params, "ScanFilter", bindings)
        return self._search(params, bindings, condition, segment=_segment(params))

    def _search(self, params: Params, bindings: Bindings, condition: Condition | None, **how: Any) -> Search:
        projection = self._projection(params, bindings)
        bindings.check_all_used()
        return Search(
            table=table_name(params["TableName"]),
            index=params.get("IndexName"),
            filter=condition,
            filter_names=frozenset() if condition is None else attribute_names(condition),
            projection=projection,
            shows=_shown(params, projection),
            limit=params.get("Limit"),
            start=params.get("ExclusiveStartKey"),
            descending=not params.get("ScanIndexForward", True),
            consistent=params.get("ConsistentRead", False),
            **how,
        )

    def _bindings(self, params: Params, operation: str) -> Bindings:
        _refuse_mixed(params)
        _refuse_unusable(params, operation)
        return Bindings(self._parser, params.get("ExpressionAttributeNames"), params.get("ExpressionAttributeValues"))

    def _condition(self, params: Params, bindings: Bindings) -> Condition | None:
        if "ConditionExpression" in params:
            return bindings.condition(params["ConditionExpression"], "ConditionExpression")
        if params.get("Expected"):
            return legacy.expected_condition(params["Expected"], params.get("ConditionalOperator", "AND"))
        return None

    def _update(self, params: Params, bindings: Bindings) -> Update:
        if "UpdateExpression" in params:
            return bindings.update(params["UpdateExpression"])
        return legacy.update(params.get("AttributeUpdates", {}))

    def _filter(self, params: Params, older: str, bindings: Bindings) -> Condition | None:
        if "FilterExpression" in params:
            return bindings.condition(params["FilterExpression"], "FilterExpression")
        if params.get(older):
            return legacy.filter_condition(params[older], params.get("ConditionalOperator", "AND"))
        return None

    def _key_tests(self, params: Params, bindings: Bindings) -> Mapping[str, KeyTest]:
        if "KeyConditionExpression" in params:
            condition = bindings.condition(params["KeyConditionExpression"], "KeyConditionExpression")
            return key_tests(condition)
        if "KeyConditions" not in params:
            raise ValidationException(
                "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
            )
        return legacy.key_tests(params["KeyConditions"])

    def _projection(self, params: Params, bindings: Bindings) -> Projection | None:
        if "ProjectionExpression" in params:
            return bindings.projection(params["ProjectionExpression"])
        if "AttributesToGet" in params:
            return legacy.projection(params["AttributesToGet"])
        return None


def _refuse_mixed(params: Params) -> None:
    older = [name for name in _LEGACY if params.get(name) is not None]
    newer = [name for name in _EXPRESSIONS if name in params]
    if older and newer:
        raise ValidationException(
            "Can not use both expression and non-expression parameters in the same request: "
            f"Non-expression parameters: {{{', '.join(older)}}} Expression parameters: {{{', '.join(newer)}}}"
        )


def _refuse_unusable(params: Params, operation: str) -> None:
    """Names and values without an expression that could use them."""
    if not any(name in params for name in _EXPRESSIONS) and params.get("ExpressionAttributeNames") is not None:
        raise ValidationException("ExpressionAttributeNames can only be specified when using expressions")
    using = [name for name in _OF_OPERATION[operation] if name in _WITH_VALUES]
    if params.get("ExpressionAttributeValues") is not None and not any(name in params for name in using):
        verb = "is" if len(using) == 1 else "are"
        raise ValidationException(
            f"ExpressionAttributeValues can only be specified when using expressions: {' and '.join(using)} {verb} null"
        )


def _shows_item(params: Params) -> bool:
    return bool(params.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD")


def _segment(params: Params) -> tuple[int, int]:
    segment, segments = params.get("Segment"), params.get("TotalSegments")
    if segment is None and segments is None:
        return 0, 1
    if segments is None:
        raise ValidationException(
            "The TotalSegments parameter is required but was not present in the request when Segment parameter is "
            "present"
        )
    if segment is None:
        raise ValidationException(
            "The Segment parameter is required but was not present in the request when parameter TotalSegments is "
            "present"
        )
    if segment >= segments:
        raise ValidationException(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
            f"Segment: {segment} is not less than TotalSegments: {segments}"
        )
    return segment, segments


def _shown(params: Params, projection: Projection | None) -> str | None:
    """Select, checked against what else is asked for."""
    select: str | None = params.get("Select")
    if projection is not None and select not in (None, "SPECIFIC_ATTRIBUTES"):
        named = "AttributesToGet" if "AttributesToGet" in params else "ProjectionExpression"
        if named == "ProjectionExpression":
            raise ValidationException(f"Cannot specify the ProjectionExpression when choosing to get {select}")
        raise ValidationException(f"Cannot specify the AttributesToGet when choosing to get {select}")
    if select == "SPECIFIC_ATTRIBUTES" and projection is None:
        raise ValidationException(
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"
        )
    if select == "ALL_PROJECTED_ATTRIBUTES" and "IndexName" not in params:
        raise ValidationException("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
    return select
