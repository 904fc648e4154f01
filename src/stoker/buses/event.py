"""One event as it is on a bus, and what PutEvents takes for one. Pure."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from stoker.model.errors import ServiceError

# Since January 2026; 256 KB before.
MAX_REQUEST_BYTES = 1_048_576
# "Calculating PutEvents event entry size" in the EventBridge User Guide.
TIME_BYTES = 14
RESERVED_SOURCE = re.compile(r"aws\.", re.IGNORECASE)

Document = Mapping[str, Any]
"""An event as its targets get it: `{"version": "0", "id": …, "detail-type": …, …}`."""


@dataclass(frozen=True, kw_only=True)
class EntryError:
    """Why an entry of PutEvents was not taken."""

    code: str
    message: str


class MalformedEventError(ServiceError):
    """What was delivered to an event bus is not an event."""

    code = "MalformedDetail"
    status = 400


def document_of(
    *,
    id: str,
    source: str,
    detail_type: str,
    detail: Any,
    account: str,
    region: str,
    time: float,
    resources: Sequence[str] = (),
) -> Document:
    """An event in AWS's order of members; `time` is in seconds since the epoch."""
    return {
        "version": "0",
        "id": id,
        "detail-type": detail_type,
        "source": source,
        "account": account,
        "time": moment(time),
        "region": region,
        "resources": list(resources),
        "detail": detail,
    }


def moment(time: float) -> str:
    """Seconds since the epoch as events show them."""
    return datetime.fromtimestamp(int(time), UTC).isoformat().replace("+00:00", "Z")


def encode(value: object) -> str:
    """JSON as AWS writes it: no spaces, and escapes only where it cannot do without (half a surrogate pair)."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))
    return text


def entry_size(entry: Mapping[str, Any]) -> int:
    """What an entry of PutEvents counts for, in bytes."""
    texts = [entry.get("Source", ""), entry.get("DetailType", ""), entry.get("Detail", ""), *entry.get("Resources", ())]
    return sum(len(text.encode()) for text in texts) + (TIME_BYTES if "Time" in entry else 0)


def check_entry(entry: Mapping[str, Any]) -> EntryError | Mapping[str, Any]:
    """The entry's detail, parsed, or what is wrong with the entry."""
    for name in ("Source", "DetailType", "Detail"):
        if not entry.get(name):
            reason = f"Parameter {name} is not valid. Reason: {name} is a required argument."
            return EntryError(code="InvalidArgument", message=reason)
    if RESERVED_SOURCE.match(entry["Source"]):
        return EntryError(code="NotAuthorizedForSourceException", message="Not authorized for the source.")
    try:
        detail = json.loads(entry["Detail"])
    except (ValueError, RecursionError):
        detail = None
    if not isinstance(detail, dict):
        return EntryError(code="MalformedDetail", message="Detail is malformed.")
    return detail


def complete(body: bytes, *, id: str, account: str, region: str, now: float) -> Document:
    """What another service, or another bus, delivers to a bus: an event that may leave out what every bus knows.

    Raises MalformedEventError.
    """
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict) or not {"source", "detail-type", "detail"} <= given.keys():
        raise MalformedEventError
    known = document_of(
        id=id, source="", detail_type="", detail={}, account=account, region=region, time=now, resources=()
    )
    return {**known, **given}
