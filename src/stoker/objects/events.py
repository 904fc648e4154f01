"""What is told of an object: the event message of S3, and the event of EventBridge. Pure.

Source: "Event message structure" and "EventBridge event message structure" in the S3 user guide.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

from stoker.objects.bucket import NULL_VERSION, Bucket
from stoker.objects.version import Actor, ObjectVersion

_OLDER = ("ObjectCreated", "ObjectRemoved")
_DETAIL_TYPES = {
    "ObjectCreated": "Object Created",
    "ObjectRemoved": "Object Deleted",
    "LifecycleExpiration": "Object Deleted",
}


@dataclass(frozen=True, kw_only=True)
class Happening:
    """Something that was done to an object. `event` is its name without `s3:`, `reason` the operation."""

    event: str
    reason: str
    version: ObjectVersion
    actor: Actor
    at: float


def record(happening: Happening, bucket: Bucket, owner: str, configuration_id: str) -> Mapping[str, Any]:
    """One record of an event message."""
    actor = happening.actor
    return {
        "eventVersion": "2.1" if happening.event.startswith(_OLDER) else "2.3",
        "eventSource": "aws:s3",
        "awsRegion": bucket.region,
        "eventTime": _moment(happening.at),
        "eventName": happening.event,
        "userIdentity": {"principalId": actor.principal_id},
        "requestParameters": {"sourceIPAddress": actor.source_ip},
        "responseElements": {"x-amz-request-id": actor.request_id, "x-amz-id-2": f"{actor.request_id}.stoker"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": configuration_id,
            "bucket": {"name": bucket.name, "ownerIdentity": {"principalId": owner}, "arn": bucket.arn},
            "object": _object(happening, bucket),
        },
    }


def message(happening: Happening, bucket: Bucket, owner: str, configuration_id: str) -> bytes:
    """The event message, as destinations get it."""
    return _encode({"Records": [record(happening, bucket, owner, configuration_id)]})


def test_message(bucket: Bucket, request_id: str, at: float) -> bytes:
    """What queues and topics get when they become destinations."""
    return _encode(
        {
            "Service": "Amazon S3",
            "Event": "s3:TestEvent",
            "Time": _moment(at),
            "Bucket": bucket.name,
            "RequestId": request_id,
            "HostId": f"{request_id}.stoker",
        }
    )


def bus_event(happening: Happening, bucket: Bucket, account: str, event_id: str) -> bytes:
    """The event of EventBridge, whole."""
    version = happening.version
    described: dict[str, Any] = {"key": version.key}
    if not _is_removal(happening.event):
        described |= {"size": version.size}
    if not _is_removal(happening.event) or version.is_marker:
        described |= {"etag": version.etag or _EMPTY_MD5}
    if version.version_id and version.version_id != NULL_VERSION:
        described |= {"version-id": version.version_id}
    detail = {
        "version": "0",
        "bucket": {"name": bucket.name},
        "object": {**described, "sequencer": version.sequencer},
        "request-id": happening.actor.request_id,
        "requester": "s3.amazonaws.com" if happening.event.startswith("Lifecycle") else account,
        "source-ip-address": happening.actor.source_ip,
        "reason": happening.reason,
    }
    if _is_removal(happening.event):
        made = happening.event.endswith("DeleteMarkerCreated")
        detail["deletion-type"] = "Delete Marker Created" if made else "Permanently Deleted"
    return _encode(
        {
            "version": "0",
            "id": event_id,
            "detail-type": _detail_type(happening.event),
            "source": "aws.s3",
            "account": account,
            "time": datetime.fromtimestamp(happening.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": bucket.region,
            "resources": [bucket.arn],
            "detail": detail,
        }
    )


_EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e"


def _detail_type(event: str) -> str:
    family, _, kind = event.partition(":")
    if family == "ObjectTagging":
        return "Object Tags Added" if kind == "Put" else "Object Tags Deleted"
    return _DETAIL_TYPES[family]


def _is_removal(event: str) -> bool:
    return event.startswith(("ObjectRemoved", "LifecycleExpiration"))


def _object(happening: Happening, bucket: Bucket) -> Mapping[str, Any]:
    """The key is encoded as in a form, which every consumer undoes."""
    version = happening.version
    described: dict[str, Any] = {"key": quote_plus(version.key, safe="/*-._")}
    if not _is_removal(happening.event):
        described |= {"size": version.size, "eTag": version.etag}
    elif version.is_marker:
        described |= {"eTag": _EMPTY_MD5}
    if version.version_id and (version.version_id != NULL_VERSION or bucket.versioning):
        described["versionId"] = version.version_id
    return {**described, "sequencer": version.sequencer}


def _moment(at: float) -> str:
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _encode(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
