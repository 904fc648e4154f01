"""CreateEventSourceMapping to DeleteEventSourceMapping."""

import base64
import binascii
from collections.abc import Mapping as Dictionary
from datetime import UTC, datetime
from typing import Any

from stoker.event_sources.mapping import BY_USER_OF_QUEUE, BY_USER_OF_STREAM, Mapping
from stoker.event_sources.mappings import EventSourceMappings
from stoker.event_sources.options import HIDDEN
from stoker.model.errors import InvalidParameterValueException, ResourceNotFoundException
from stoker.services.lambda_.naming import locate
from stoker.wire.message import Call

Members = Dictionary[str, Any]
PAGE_ITEMS = 100


class EventSourceMappingOperations:
    """The operations on event source mappings."""

    def __init__(self, mappings: EventSourceMappings) -> None:
        self._mappings = mappings

    async def create_event_source_mapping(self, call: Call) -> Members:
        located = locate(call)
        return _members(await self._mappings.create(located.function, located.qualifier, call.params))

    async def get_event_source_mapping(self, call: Call) -> Members:
        return _members(self._mappings.get(call.region, call.params["UUID"]))

    async def list_event_source_mappings(self, call: Call) -> Members:
        params = call.params
        located = locate(call) if params.get("FunctionName") else None
        found = self._mappings.listed(
            call.region,
            params.get("EventSourceArn"),
            located.function if located else None,
            located.qualifier if located else None,
        )
        after, limit = _after(params.get("Marker")), min(params.get("MaxItems", PAGE_ITEMS), PAGE_ITEMS)
        rest = [mapping for mapping in found if mapping.uuid > after]
        marker = base64.b64encode(rest[limit - 1].uuid.encode()).decode("ascii") if len(rest) > limit else None
        return {"EventSourceMappings": [_members(mapping) for mapping in rest[:limit]], "NextMarker": marker}

    async def update_event_source_mapping(self, call: Call) -> Members:
        located = locate(call) if call.params.get("FunctionName") else None
        target = None if located is None else (located.function, located.qualifier)
        return _members(await self._mappings.update(call.region, call.params["UUID"], target, call.params))

    async def delete_event_source_mapping(self, call: Call) -> Members:
        return _members(await self._mappings.delete(call.region, call.params["UUID"]))


class MappingTags:
    """The tags of mappings, by their ARNs."""

    def __init__(self, mappings: EventSourceMappings) -> None:
        self._mappings = mappings

    async def add(self, call: Call) -> None:
        mapping = self._find(call)
        await self._mappings.set_tags(mapping, {**mapping.tags, **call.params["Tags"]})

    async def remove(self, call: Call) -> None:
        mapping, gone = self._find(call), set(call.params["TagKeys"])
        await self._mappings.set_tags(mapping, {key: tag for key, tag in mapping.tags.items() if key not in gone})

    def get(self, call: Call) -> Dictionary[str, str]:
        return dict(self._find(call).tags)

    def _find(self, call: Call) -> Mapping:
        arn: str = call.params["Resource"]
        try:
            return self._mappings.get(call.region, arn.rpartition(":")[2])
        except ResourceNotFoundException:
            raise ResourceNotFoundException(f"Event source mapping not found: {arn}", Type="User") from None


def _after(marker: str | None) -> str:
    if not marker:
        return ""
    try:
        return base64.b64decode(marker, validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidParameterValueException("Invalid marker.", Type="User") from None


def _members(mapping: Mapping) -> Members:
    options = mapping.options
    filters = {"Filters": [{"Pattern": pattern} for pattern in options.filters]} if options.filters else None
    members = {
        "UUID": mapping.uuid,
        "EventSourceMappingArn": mapping.arn,
        "EventSourceArn": mapping.source_arn,
        "FunctionArn": mapping.function_arn,
        "BatchSize": options.batch_size,
        "MaximumBatchingWindowInSeconds": options.window_s,
        "FilterCriteria": filters,
        "FunctionResponseTypes": ["ReportBatchItemFailures"] if options.report_failures else [],
        "State": mapping.state,
        "StateTransitionReason": BY_USER_OF_QUEUE if options.starting_position is None else BY_USER_OF_STREAM,
        "LastModified": datetime.fromtimestamp(mapping.modified, UTC),
    }
    if mapping.access:
        members["SourceAccessConfigurations"] = [{"Type": each.kind, "URI": HIDDEN} for each in mapping.access]
    if options.max_concurrency is not None:
        members["ScalingConfig"] = {"MaximumConcurrency": options.max_concurrency}
    return members if options.starting_position is None else {**members, **_stream_members(mapping)}


def _stream_members(mapping: Mapping) -> Members:
    options, timestamp = mapping.options, mapping.options.starting_timestamp
    return {
        "LastProcessingResult": mapping.last_result,
        "StartingPosition": options.starting_position,
        "StartingPositionTimestamp": None if timestamp is None else datetime.fromtimestamp(timestamp, UTC),
        "ParallelizationFactor": options.parallelization,
        "BisectBatchOnFunctionError": options.bisect,
        "MaximumRetryAttempts": options.max_retries,
        "MaximumRecordAgeInSeconds": options.max_age_s,
        "TumblingWindowInSeconds": options.tumbling_s,
        "DestinationConfig": {"OnFailure": {"Destination": options.on_failure} if options.on_failure else {}},
    }
