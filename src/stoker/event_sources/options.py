"""From what a user asks for to a mapping's options, by what its source can do. Pure.

Source: CreateEventSourceMapping and UpdateEventSourceMapping in the Lambda API reference, and what Lambda answers.
"""

from collections.abc import Mapping as Dictionary
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from stoker.event_sources.filtering import compile_filters
from stoker.event_sources.mapping import Options, SourceAccess
from stoker.event_sources.source import Abilities
from stoker.model.errors import InvalidParameterValueException, NotBuiltError, ValidationException

# Parameters that nothing here obeys.
UNBUILT: Dictionary[str, str] = {
    "KMSKeyArn": "Encryption of filters with KMS keys",
    "MetricsConfig": "Metrics of mappings",
    "LoggingConfig": "Logs of mappings",
    "ProvisionedPollerConfig": "Provisioned pollers",
    "SelfManagedEventSource": "Self-managed Kafka",
    "SelfManagedKafkaEventSourceConfig": "Self-managed Kafka",
    "AmazonManagedKafkaEventSourceConfig": "Managed Kafka",
    "DocumentDBEventSourceConfig": "DocumentDB",
    "Topics": "Kafka",
    "Queues": "Amazon MQ",
}
MAX_FILTERS = 5
# What is shown of a source's credentials; the model takes it in a change, too.
HIDDEN = "*****"
STREAM_ONLY = {
    "ParallelizationFactor": "parallelization",
    "BisectBatchOnFunctionError": "bisect",
    "MaximumRetryAttempts": "max_retries",
    "MaximumRecordAgeInSeconds": "max_age_s",
    "TumblingWindowInSeconds": "tumbling_s",
}
_LEAST_AGE_S = 60


def options_from(params: Dictionary[str, Any], abilities: Abilities) -> Options:
    """The options of a new mapping."""
    _refuse_unbuilt(params)
    if not abilities.streams and "StartingPosition" in params:
        raise _invalid(f"StartingPosition is not valid for {abilities.label} event sources.")
    if abilities.streams:
        _check_starting_position(params)
    first = Options(
        batch_size=abilities.batch_size,
        starting_position=params.get("StartingPosition"),
        starting_timestamp=_seconds(params.get("StartingPositionTimestamp")),
    )
    return changed(first, params, abilities)


def changed(options: Options, params: Dictionary[str, Any], abilities: Abilities) -> Options:
    """The options with what is given changed. Raises InvalidParameterValueException."""
    _refuse_unbuilt(params)
    changes: dict[str, Any] = {}
    for name, member in (("Enabled", "enabled"), ("BatchSize", "batch_size")):
        if name in params:
            changes[member] = params[name]
    if "MaximumBatchingWindowInSeconds" in params:
        changes["window_s"] = params["MaximumBatchingWindowInSeconds"]
    if "FunctionResponseTypes" in params:
        changes["report_failures"] = "ReportBatchItemFailures" in params["FunctionResponseTypes"]
    if "FilterCriteria" in params:
        changes["filters"] = _filters(params["FilterCriteria"])
    changes |= _scaling(params, abilities) | _of_streams(params, abilities)
    result = replace(options, **changes)
    _check(result, abilities)
    return result


def access_from(
    params: Dictionary[str, Any], abilities: Abilities, before: Sequence[SourceAccess] = ()
) -> tuple[SourceAccess, ...]:
    """How the source lets Stoker in. What is given as it is shown stays what it was."""
    if "SourceAccessConfigurations" not in params:
        return tuple(before)
    given = params["SourceAccessConfigurations"] or ()
    if given and not abilities.access:
        raise _unsupported("SourceAccessConfigurations")
    kept = {each.kind: each.uri for each in before}
    access = []
    for each in given:
        kind, uri = each.get("Type", ""), each.get("URI", "")
        if kind not in abilities.access:
            raise _invalid(f"SourceAccessConfigurations of type {kind} are not for {abilities.label} event sources.")
        access.append(SourceAccess(kind=kind, uri=kept.get(kind, uri) if uri == HIDDEN else uri))
    return tuple(access)


def _check(options: Options, abilities: Abilities) -> None:
    if options.batch_size > abilities.max_batch_size:
        raise _invalid(
            f"Maximum batch size for {abilities.label} event sources is {abilities.max_batch_size}, "
            f"but {options.batch_size} was given."
        )
    if options.window_s and not abilities.window:
        raise _invalid("Batching window is not supported for FIFO queues")
    least = abilities.batch_size_without_window
    if least is not None and options.batch_size > least and options.window_s == 0:
        raise _invalid(
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
        )
    if options.tumbling_s and options.parallelization > 1:
        raise _invalid("ParallelizationFactor must be 1 when TumblingWindowInSeconds is specified.")
    if -1 < options.max_age_s < _LEAST_AGE_S:
        raise _invalid(f"MaximumRecordAgeInSeconds must be -1 or at least {_LEAST_AGE_S}.")


def _filters(criteria: Dictionary[str, Any] | None) -> tuple[str, ...]:
    filters = tuple(each.get("Pattern", "") for each in (criteria or {}).get("Filters") or ())
    if len(filters) > MAX_FILTERS:
        raise _invalid(f"The maximum number of filters of an event source mapping is {MAX_FILTERS}.")
    compile_filters(filters)
    return filters


def _scaling(params: Dictionary[str, Any], abilities: Abilities) -> dict[str, Any]:
    if "ScalingConfig" not in params:
        return {}
    most = (params["ScalingConfig"] or {}).get("MaximumConcurrency")
    if most is not None and not abilities.max_concurrency:
        raise _unsupported("ScalingConfig")
    return {"max_concurrency": most}


def _of_streams(params: Dictionary[str, Any], abilities: Abilities) -> dict[str, Any]:
    given = {member: params[name] for name, member in STREAM_ONLY.items() if name in params}
    if "DestinationConfig" in params:
        config = params["DestinationConfig"] or {}
        if (config.get("OnSuccess") or {}).get("Destination"):
            raise _unsupported("DestinationConfig")
        given["on_failure"] = (config.get("OnFailure") or {}).get("Destination") or None
    if abilities.streams:
        return given
    for name in ("DestinationConfig", *STREAM_ONLY):
        if params.get(name):
            raise _unsupported(name)
    return {}


def _check_starting_position(params: Dictionary[str, Any]) -> None:
    position = params.get("StartingPosition")
    if position is None:
        raise ValidationException(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: "
            "Member must not be null."
        )
    if position == "AT_TIMESTAMP" and "StartingPositionTimestamp" not in params:
        raise _invalid("Need to specify a timestamp")
    if position != "AT_TIMESTAMP" and "StartingPositionTimestamp" in params:
        raise _invalid("StartingPositionTimestamp goes with StartingPosition AT_TIMESTAMP only.")


def _refuse_unbuilt(params: Dictionary[str, Any]) -> None:
    for name, what in UNBUILT.items():
        if params.get(name):
            raise NotBuiltError(f"{what} (parameter {name}) are not there yet in Stoker.")


def _seconds(moment: Any) -> float | None:
    return None if moment is None else float(moment.timestamp())


def _unsupported(name: str) -> InvalidParameterValueException:
    return _invalid(f"Unsupported {name} parameter for given event source mapping type.")


def _invalid(text: str) -> InvalidParameterValueException:
    return InvalidParameterValueException(text, Type="User")
