"""A function's configuration: what a caller may change of it, and the bounds that botocore's model does not state."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from stoker.model.errors import InvalidParameterValueException, ValidationException
from stoker.model.function import FunctionVersion, LoggingConfig
from stoker.model.limits import (
    MAX_ENVIRONMENT_BYTES,
    MAX_EPHEMERAL_MB,
    MAX_FUNCTION_NAME_LENGTH,
    MAX_MEMORY_MB,
    MAX_TIMEOUT_S,
    RESERVED_ENVIRONMENT_NAMES,
)

_DEFAULT_LEVEL = "INFO"
# "Improving startup performance with Lambda SnapStart" in the AWS Lambda Developer Guide.
_SNAP_START_RUNTIME = re.compile(r"python3\.(\d+)")
OLDEST_SNAP_START_MINOR = 12
MAX_SNAP_START_EPHEMERAL_MB = 512


@dataclass(frozen=True, kw_only=True)
class LoggingChange:
    """What of a LoggingConfig was given; None leaves it as it is."""

    log_format: str | None = None
    application_level: str | None = None
    system_level: str | None = None
    log_group: str | None = None


@dataclass(frozen=True, kw_only=True)
class ConfigurationChange:
    """What CreateFunction or UpdateFunctionConfiguration was given; None leaves it as it is.

    `layers` are ARNs of layer versions; the registry resolves them. An empty `dead_letter_arn` removes it.
    """

    runtime: str | None = None
    handler: str | None = None
    role: str | None = None
    description: str | None = None
    timeout_s: int | None = None
    memory_mb: int | None = None
    ephemeral_mb: int | None = None
    environment: Mapping[str, str] | None = None
    layers: Sequence[str] | None = None
    logging: LoggingChange | None = None
    architecture: str | None = None
    snap_start: str | None = None
    dead_letter_arn: str | None = None
    tracing_mode: str | None = None


def apply(function: FunctionVersion, change: ConfigurationChange) -> FunctionVersion:
    """The function with everything of `change` but its layers; raises what AWS answers when a bound is broken."""
    check_bounds(change)
    check_texts(change)
    changed: dict[str, Any] = {
        name: value
        for name in (
            "runtime",
            "handler",
            "role",
            "description",
            "timeout_s",
            "memory_mb",
            "ephemeral_mb",
            "snap_start",
            "tracing_mode",
        )
        if (value := getattr(change, name)) is not None
    }
    if change.environment is not None:
        check_environment(change.environment)
        changed |= {"environment": dict(change.environment), "environment_given": True}
    if change.logging is not None:
        changed["logging"] = change_logging(function.logging, change.logging)
    if change.dead_letter_arn is not None:
        changed["dead_letter_arn"] = check_dead_letter(function, change.dead_letter_arn)
    revised = replace(function, **changed)
    check_snap_start(revised)
    return revised


def check_snap_start(function: FunctionVersion) -> None:
    """What AWS has SnapStart for, of what is here: Python from 3.12 on, and no more than 512 MB of /tmp."""
    if function.snap_start == "None":
        return
    match = _SNAP_START_RUNTIME.fullmatch(function.runtime)
    if match is None or int(match[1]) < OLDEST_SNAP_START_MINOR:
        raise InvalidParameterValueException(f"{function.runtime} is not supported for SnapStart enabled functions.")
    if function.ephemeral_mb > MAX_SNAP_START_EPHEMERAL_MB:
        raise InvalidParameterValueException(
            f"SnapStart enabled functions support up to {MAX_SNAP_START_EPHEMERAL_MB} MB of ephemeral storage."
        )


def check_dead_letter(function: FunctionVersion, arn: str) -> str | None:
    """A queue or topic of this region and account; None for none."""
    if not arn:
        return None
    parts = arn.split(":")
    good = len(parts) == 6 and parts[2] in ("sqs", "sns") and parts[3:5] == [function.region, function.account]
    if not good or arn.endswith(".fifo"):
        raise InvalidParameterValueException(
            f"The dead-letter target {arn} is no standard queue or topic of this region."
        )
    return arn


def check_name(name: str) -> None:
    """Raise what AWS answers to a new function's name that is too long; the model allows for whole ARNs."""
    if len(name) > MAX_FUNCTION_NAME_LENGTH:
        raise InvalidParameterValueException(
            f"1 validation error detected: Value '{name}' at 'functionName' failed to satisfy constraint: "
            f"Member must have length less than or equal to {MAX_FUNCTION_NAME_LENGTH}"
        )


def check_bounds(change: ConfigurationChange) -> None:
    """The model's upper bounds are those of functions on managed instances; an ordinary function's are lower."""
    bounds = (
        ("timeout", change.timeout_s, MAX_TIMEOUT_S),
        ("memorySize", change.memory_mb, MAX_MEMORY_MB),
        ("ephemeralStorage.size", change.ephemeral_mb, MAX_EPHEMERAL_MB),
    )
    broken = [
        f"Value '{value}' at '{member}' failed to satisfy constraint: "
        f"Member must have value less than or equal to {limit}"
        for member, value, limit in bounds
        if value is not None and value > limit
    ]
    if broken:
        count = f"{len(broken)} validation error{'s' if len(broken) > 1 else ''} detected"
        raise ValidationException(f"{count}: {'; '.join(broken)}")


def check_texts(change: ConfigurationChange) -> None:
    """No text holds U+0000, which ends a text for the kernel and has no place in PostgreSQL's."""
    variables = change.environment or {}
    texts = (("handler", change.handler), ("description", change.description), *variables.items())
    if broken := [name for name, text in texts if text is not None and "\0" in text]:
        raise InvalidParameterValueException(f"Value at '{broken[0]}' must not contain the character U+0000.")


def check_environment(variables: Mapping[str, str]) -> None:
    """4 KB together, measured as AWS does (compact JSON), and none of Lambda's own names."""
    unable = (
        "Lambda was unable to configure your environment variables because the environment variables you have provided"
    )
    if reserved := sorted(RESERVED_ENVIRONMENT_NAMES & variables.keys()):
        raise InvalidParameterValueException(
            f"{unable} contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )
    measured = json.dumps(variables, separators=(",", ":"), ensure_ascii=False)
    if len(measured.encode()) > MAX_ENVIRONMENT_BYTES:
        raise InvalidParameterValueException(f"{unable} exceeded the 4KB limit. String measured: {measured}")


def change_logging(current: LoggingConfig, change: LoggingChange) -> LoggingConfig:
    """Levels exist in the JSON format only, where each is INFO until it is set."""
    log_format = change.log_format or current.log_format
    log_group = current.log_group if change.log_group is None else change.log_group
    if log_format != "JSON":
        if change.application_level or change.system_level:
            raise InvalidParameterValueException(
                "ApplicationLogLevel and SystemLogLevel can only be set when LogFormat is JSON."
            )
        return LoggingConfig(log_format=log_format, log_group=log_group)
    return LoggingConfig(
        log_format=log_format,
        application_level=change.application_level or current.application_level or _DEFAULT_LEVEL,
        system_level=change.system_level or current.system_level or _DEFAULT_LEVEL,
        log_group=log_group,
    )
