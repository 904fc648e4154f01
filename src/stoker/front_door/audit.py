"""Which calls are written down, and how: who, what, from where, allowed or not, in the manner of CloudTrail's events.

Source: "CloudTrail record contents" and "CloudTrail userIdentity element" in the AWS CloudTrail User Guide.
"""

import json
import logging
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from stoker.model.clock import Clock
from stoker.model.errors import ServiceError
from stoker.model.principal import Principal
from stoker.wire.message import Call, Request

log = logging.getLogger(__name__)

EVENT_VERSION = "1.11"
MAX_PARAMETER_BYTES = 64 * 1024
# Whoever has no key can make as many of these as he likes: they must not push out what matters.
STRANGERS_A_MINUTE = 60
_READS = re.compile(
    r"(Get|List|Describe|Head|Lookup|BatchGet|Search|Filter|Simulate|Select|Scan|Query|Check|Preview|Test|Validate)"
)
# Whoever gets credentials can change something with them, though it is read-only by its name.
_ALWAYS = frozenset({("sts", "GetSessionToken"), ("sts", "GetFederationToken")})
# What CloudTrail calls data events: what functions and their clients do all day. Those that only read are not here.
_DATA: Mapping[str, frozenset[str]] = {
    service: frozenset(operations.split())
    for service, operations in {
        "lambda": "Invoke InvokeAsync InvokeWithResponseStream",
        "apigatewaymanagementapi": "PostToConnection DeleteConnection",
        "sqs": """
            SendMessage SendMessageBatch ReceiveMessage DeleteMessage DeleteMessageBatch
            ChangeMessageVisibility ChangeMessageVisibilityBatch
        """,
        "sns": "Publish PublishBatch",
        "dynamodb": """
            PutItem UpdateItem DeleteItem BatchWriteItem TransactWriteItems TransactGetItems
            ExecuteStatement BatchExecuteStatement ExecuteTransaction
        """,
        "kinesis": "PutRecord PutRecords SubscribeToShard",
        "events": "PutEvents",
        "logs": "PutLogEvents StartLiveTail StartQuery StopQuery",
        "cloudwatch": "PutMetricData",
        "s3": """
            PutObject DeleteObject DeleteObjects CopyObject CreateMultipartUpload UploadPart UploadPartCopy
            CompleteMultipartUpload AbortMultipartUpload PutObjectTagging DeleteObjectTagging PutObjectAcl RestoreObject
        """,
    }.items()
}


class KeepsRecords(Protocol):
    """What this needs of `audit_log.AuditLog`."""

    async def append(self, record: Mapping[str, Any]) -> None: ...


def is_read_only(service: str, operation: str) -> bool:
    """Whether an operation changes nothing, by the verb of its name."""
    return _READS.match(operation) is not None and (service, operation) not in _ALWAYS


def is_kept(service: str, operation: str) -> bool:
    """Whether each call of an operation is written down: those that change something, but for data."""
    return not is_read_only(service, operation) and operation not in _DATA.get(service, ())


class Audit:
    """Makes records of calls. What an operation is said to have been asked is without secrets already."""

    def __init__(self, records: KeepsRecords, clock: Clock) -> None:
        self._records = records
        self._clock = clock
        self._kept: dict[tuple[str, str], bool] = {}
        self._minute = 0
        self._strangers = 0
        self._left_out = 0

    def __repr__(self) -> str:
        return f"<Audit {self._records!r}>"

    def keeps(self, service: str, operation: str) -> bool:
        """Whether calls of an operation are written down also when they are allowed. Asked for each request."""
        key = (service, operation)
        kept = self._kept.get(key)
        if kept is None:
            kept = self._kept[key] = is_kept(service, operation)
        return kept

    async def note(
        self, call: Call, request: Request, parameters: Mapping[str, Any] | None, error: ServiceError | None
    ) -> None:
        """A verified call, that was served or refused."""
        if error is not None and not call.principal.access_key and not self._takes_stranger():
            # A token that was no good, and anybody can send such.
            return
        at = datetime.fromtimestamp(self._clock.time(), UTC)
        await self._append(
            {
                "eventVersion": EVENT_VERSION,
                "userIdentity": identity_of(call.principal),
                "eventTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "eventSource": f"{call.service}.amazonaws.com",
                "eventName": call.operation,
                "awsRegion": call.region,
                "sourceIPAddress": call.source_ip,
                "userAgent": request.headers.get("user-agent", "")[:1024],
                **({"errorCode": error.code, "errorMessage": error.message[:1024]} if error is not None else {}),
                "requestParameters": _bounded(parameters),
                "responseElements": None,
                "requestID": call.request_id,
                "eventID": str(uuid.uuid4()),
                "readOnly": is_read_only(call.service, call.operation),
                "eventType": "AwsApiCall",
                "managementEvent": call.operation not in _DATA.get(call.service, ()),
                "recipientAccountId": call.account,
                "eventCategory": "Management",
            }
        )

    async def note_stranger(self, request: Request, request_id: str, error: ServiceError) -> None:
        """A request that nobody known has signed. Beyond some in a minute they are only counted."""
        if not self._takes_stranger():
            return
        now = self._clock.time()
        left_out, self._left_out = self._left_out, 0
        await self._append(
            {
                "eventVersion": EVENT_VERSION,
                "userIdentity": {"type": "Unknown"},
                "eventTime": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "sourceIPAddress": request.source_ip,
                "userAgent": request.headers.get("user-agent", "")[:1024],
                "errorCode": error.code,
                "errorMessage": error.message[:1024],
                "requestParameters": {"method": request.method, "path": request.path[:1024]},
                "requestID": request_id,
                "eventID": str(uuid.uuid4()),
                "eventType": "AwsApiCall",
                "eventCategory": "Management",
                **({"additionalEventData": {"leftOutBefore": left_out}} if left_out else {}),
            }
        )

    def _takes_stranger(self) -> bool:
        """Whether one more of them is written down in this minute."""
        minute = int(self._clock.time() // 60)
        if minute != self._minute:
            self._minute, self._strangers = minute, 0
        self._strangers += 1
        taken = self._strangers <= STRANGERS_A_MINUTE
        self._left_out += not taken
        return taken

    async def _append(self, record: Mapping[str, Any]) -> None:
        try:
            await self._records.append(record)
        except OSError:
            # The call is through: an error would deny what has happened. The operator's log is the place that is left.
            log.exception("the audit log does not take any more; lost: %s", json.dumps(record, default=str))


def identity_of(principal: Principal) -> Mapping[str, Any]:
    """Who called, as CloudTrail writes it."""
    common = {
        "principalId": principal.user_id,
        "arn": principal.arn,
        "accountId": principal.account,
        "accessKeyId": principal.access_key,
    }
    session = principal.session
    if principal.is_operator:
        return {"type": "Root", **common}
    if not principal.access_key:
        # Whoever came with a token, which nobody had looked at when this was asked.
        return {"type": "WebIdentityUser", "accountId": principal.account}
    if session is None or session.issuer_arn == principal.arn:
        return {"type": "IAMUser", **common, "userName": principal.arn.rpartition("/")[2]}
    issued = datetime.fromtimestamp(session.issued, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    issuer = {
        "type": "Role",
        "principalId": session.issuer_id,
        "arn": session.issuer_arn,
        "accountId": principal.account,
        "userName": session.issuer_arn.rpartition("/")[2],
    }
    context = {"sessionIssuer": issuer, "attributes": {"creationDate": issued, "mfaAuthenticated": "false"}}
    return {"type": "AssumedRole", **common, "sessionContext": context}


def _bounded(parameters: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if parameters is None or len(json.dumps(parameters, default=str)) <= MAX_PARAMETER_BYTES:
        return parameters
    return {"omitted": True, "reason": f"more than {MAX_PARAMETER_BYTES} bytes"}
