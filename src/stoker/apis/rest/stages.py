"""Stages of an API: what may be set on them. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from stoker.apis.errors import BadRequestException
from stoker.apis.rest import patches
from stoker.apis.rest.access_logs import read_settings
from stoker.apis.rest.documents import Document
from stoker.model.errors import NotBuiltError

MAX_BURST, MAX_RATE = 5_000, 10_000.0
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_VARIABLE_NAME = re.compile(r"[A-Za-z0-9_]+")
_VARIABLE_VALUE = re.compile(r"[A-Za-z0-9-._~:/?#&=,]*")
_PATCHABLE = patches.Patchable(
    members={
        "deploymentId": patches.text,
        "description": patches.text,
        "tracingEnabled": patches.boolean,
        "cacheClusterEnabled": patches.boolean,
        "cacheClusterSize": patches.text,
        "documentationVersion": patches.text,
        "clientCertificateId": patches.text,
        "accessLogSettings/destinationArn": patches.text,
        "accessLogSettings/format": patches.text,
    },
    removable=frozenset({"description", "clientCertificateId", "documentationVersion"}),
    maps={"variables": patches.text},
)
# By the end of the path: the setting, and how it is read.
_METHOD_SETTINGS: Mapping[str, tuple[str, patches.Reader]] = {
    "throttling/rateLimit": ("throttlingRateLimit", patches.number),
    "throttling/burstLimit": ("throttlingBurstLimit", patches.integer),
    "metrics/enabled": ("metricsEnabled", patches.boolean),
    "logging/loglevel": ("loggingLevel", patches.one_of("OFF", "ERROR", "INFO")),
    "logging/dataTrace": ("dataTraceEnabled", patches.boolean),
    "caching/enabled": ("cachingEnabled", patches.boolean),
    "caching/ttlInSeconds": ("cacheTtlInSeconds", patches.integer),
    "caching/dataEncrypted": ("cacheDataEncrypted", patches.boolean),
    "caching/requireAuthorizationForCacheControl": ("requireAuthorizationForCacheControl", patches.boolean),
    "caching/unauthorizedCacheControlHeaderStrategy": ("unauthorizedCacheControlHeaderStrategy", patches.text),
}
_SETTING_PATH = re.compile(rf"/([^/]+)/([^/]+)/({'|'.join(_METHOD_SETTINGS)})")
_DEFAULT_SETTINGS: Mapping[str, Any] = {
    "metricsEnabled": False,
    "loggingLevel": "OFF",
    "dataTraceEnabled": False,
    "throttlingBurstLimit": MAX_BURST,
    "throttlingRateLimit": MAX_RATE,
    "cachingEnabled": False,
    "cacheTtlInSeconds": 300,
    "cacheDataEncrypted": False,
    "requireAuthorizationForCacheControl": True,
    "unauthorizedCacheControlHeaderStrategy": "SUCCEED_WITH_RESPONSE_HEADER",
}
_UNBUILT = {
    "cacheClusterEnabled": "A cache of answers",
    "cacheClusterSize": "A cache of answers",
    "canarySettings": "A canary",
    "tracingEnabled": "Tracing by X-Ray",
    "clientCertificateId": "A client certificate",
    "documentationVersion": "Versions of the documentation",
}


def new_stage(name: str, now: float) -> Document:
    if _NAME.fullmatch(name) is None:
        raise BadRequestException("Stage name only allows a-zA-Z0-9-_")
    return {
        "stageName": name,
        "cacheClusterEnabled": False,
        "cacheClusterStatus": "NOT_AVAILABLE",
        "tracingEnabled": False,
        "methodSettings": {},
        "tags": {},
        "createdDate": int(now),
        "lastUpdatedDate": int(now),
    }


def check_stage(stage: Mapping[str, Any]) -> None:
    """Raises BadRequestException, or NotBuiltError for what Stoker does not do."""
    for key, what in _UNBUILT.items():
        if stage.get(key):
            raise NotBuiltError(f"{what} is not there yet in Stoker.")
    read_settings(stage.get("accessLogSettings"))
    for name, value in (stage.get("variables") or {}).items():
        if _VARIABLE_NAME.fullmatch(name) is None:
            raise BadRequestException(
                f"Stage variable name {name} can only contain alphanumeric characters and underscores"
            )
        if _VARIABLE_VALUE.fullmatch(value) is None:
            raise BadRequestException(f"Stage variable value for {name} contains characters that are not allowed")


def patch_stage(stage: Document, operations: Sequence[Mapping[str, Any]]) -> None:
    """Change a stage in place."""
    for operation in operations:
        path = operation.get("path", "")
        if (found := _SETTING_PATH.fullmatch(path)) is not None:
            _set(stage, found, operation)
        elif operation.get("op") == "remove" and path.removeprefix("/") in stage["methodSettings"]:
            del stage["methodSettings"][path.removeprefix("/")]
        elif operation.get("op") == "remove" and path.startswith(("/accessLogSettings", "/canarySettings")):
            stage.pop(path.split("/")[1], None)
        elif path.startswith("/canarySettings"):
            raise NotBuiltError("A canary is not there yet in Stoker.")
        else:
            patches.apply(stage, [operation], _PATCHABLE)
    # The two parts of it come one by one.
    log = stage.get("accessLogSettings") or {}
    check_stage(stage if log.get("format") and log.get("destinationArn") else {**stage, "accessLogSettings": None})


def _set(stage: Document, found: "re.Match[str]", operation: Mapping[str, Any]) -> None:
    """A setting of one method, or of all of them: `/*/*/throttling/rateLimit`, `/~1pets/GET/throttling/rateLimit`."""
    key, (name, read) = f"{found[1]}/{found[2]}", _METHOD_SETTINGS[found[3]]
    if operation.get("op") == "remove":
        stage["methodSettings"].get(key, {}).pop(name, None)
        return
    value = read(operation.get("value") or "")
    if name.startswith("throttling"):
        # -1 stands for no limit of its own.
        value = _DEFAULT_SETTINGS[name] if value < 0 else value
    elif value not in (_DEFAULT_SETTINGS[name], "OFF") and not name.startswith("cacheTtl"):
        raise NotBuiltError(f"{found[3]} of a method is not there yet in Stoker.")
    stage["methodSettings"].setdefault(key, dict(_DEFAULT_SETTINGS))[name] = value
