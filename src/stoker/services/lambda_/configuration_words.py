"""A function's configuration in the API's words, both ways."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from stoker.functions.configuration import ConfigurationChange, LoggingChange
from stoker.functions.records import VersionRecord, base64_digest
from stoker.functions.runtimes import RuntimeCatalogue, runtime_version_arn
from stoker.model.function import FunctionVersion, LoggingConfig

# What a list leaves out of a configuration.
_ONLY_SINGLE = frozenset(
    {
        "State",
        "StateReason",
        "StateReasonCode",
        "LastUpdateStatus",
        "LastUpdateStatusReason",
        "LastUpdateStatusReasonCode",
        "RuntimeVersionConfig",
    }
)


def change_from(params: Mapping[str, Any]) -> ConfigurationChange:
    """What CreateFunction's or UpdateFunctionConfiguration's parameters change."""
    environment = params.get("Environment")
    logging = params.get("LoggingConfig")
    architectures = params.get("Architectures")
    return ConfigurationChange(
        runtime=params.get("Runtime"),
        handler=params.get("Handler"),
        role=params.get("Role"),
        description=params.get("Description"),
        timeout_s=params.get("Timeout"),
        memory_mb=params.get("MemorySize"),
        ephemeral_mb=(params.get("EphemeralStorage") or {}).get("Size"),
        environment=None if environment is None else environment.get("Variables") or {},
        layers=params.get("Layers"),
        logging=None if logging is None else _logging_change(logging),
        architecture=architectures[0] if architectures else None,
        dead_letter_arn=_dead_letter(params),
        snap_start=(params.get("SnapStart") or {}).get("ApplyOn"),
        tracing_mode=(params.get("TracingConfig") or {}).get("Mode"),
    )


def _logging_change(logging: Mapping[str, Any]) -> LoggingChange:
    return LoggingChange(
        log_format=logging.get("LogFormat"),
        application_level=logging.get("ApplicationLogLevel"),
        system_level=logging.get("SystemLogLevel"),
        log_group=logging.get("LogGroup"),
    )


def _dead_letter(params: Mapping[str, Any]) -> str | None:
    """None if there was none; empty where what there is goes."""
    config = params.get("DeadLetterConfig")
    return None if config is None else config.get("TargetArn", "")


def lambda_time(seconds: float) -> str:
    """Lambda's own form of a moment: 2026-11-23T06:28:01.000+0000."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}+0000"


class ConfigurationWords:
    """Writes configurations. Members that are None are left out by the wire."""

    def __init__(self, runtimes: RuntimeCatalogue) -> None:
        self._runtimes = runtimes

    def full(self, record: VersionRecord, qualifier: str | None) -> dict[str, Any]:
        """One configuration; its ARN is qualified with `qualifier`, as the caller named it."""
        function = record.function
        return {
            "FunctionName": function.name,
            "FunctionArn": f"{function.unqualified_arn}:{qualifier}" if qualifier else function.unqualified_arn,
            "Runtime": function.runtime,
            "Role": function.role,
            "Handler": function.handler,
            "CodeSize": function.code_size,
            "Description": function.description,
            "Timeout": function.timeout_s,
            "MemorySize": function.memory_mb,
            "LastModified": lambda_time(function.last_modified),
            "CodeSha256": base64_digest(function.code_sha256),
            "Version": function.version,
            "Environment": {"Variables": dict(function.environment)} if function.environment_given else None,
            "DeadLetterConfig": {"TargetArn": function.dead_letter_arn} if function.dead_letter_arn else None,
            "TracingConfig": {"Mode": function.tracing_mode},
            "RevisionId": record.revision_id,
            "Layers": [{"Arn": layer.arn, "CodeSize": layer.code_size} for layer in function.layers] or None,
            **_state(function),
            "PackageType": function.package_type,
            "Architectures": [function.architecture],
            "EphemeralStorage": {"Size": function.ephemeral_mb},
            "SnapStart": {
                "ApplyOn": function.snap_start,
                "OptimizationStatus": "On" if function.optimized else "Off",
            },
            "RuntimeVersionConfig": {"RuntimeVersionArn": self._runtime_version(function)},
            "LoggingConfig": _logging(function.logging, function.log_group),
        }

    def listed(self, record: VersionRecord, qualifier: str | None) -> dict[str, Any]:
        """A configuration as lists show it: without its state."""
        return {key: value for key, value in self.full(record, qualifier).items() if key not in _ONLY_SINGLE}

    def _runtime_version(self, function: FunctionVersion) -> str:
        runtime = self._runtimes.get(function.runtime)
        return runtime_version_arn(function.region, function.runtime, runtime.full_version if runtime else "")


def _state(function: FunctionVersion) -> dict[str, str | None]:
    """A version that is being created was never updated: LastUpdateStatus is absent."""
    updated = function.state != "Pending"
    return {
        "State": function.state,
        "StateReason": function.state_reason,
        "StateReasonCode": function.state_reason_code,
        "LastUpdateStatus": function.last_update_status if updated else None,
        "LastUpdateStatusReason": function.last_update_reason,
        "LastUpdateStatusReasonCode": function.last_update_reason_code,
    }


def _logging(logging: LoggingConfig, log_group: str) -> dict[str, str | None]:
    return {
        "LogFormat": logging.log_format,
        "ApplicationLogLevel": logging.application_level,
        "SystemLogLevel": logging.system_level,
        "LogGroup": log_group,
    }
