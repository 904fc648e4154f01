"""/_stoker/audit: the audit log, for the operator."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from stoker.front_door.audit_log import AuditLog
from stoker.front_door.operator import require_operator
from stoker.front_door.own_paths import json_response
from stoker.model.errors import ValidationException
from stoker.wire.message import Request, Response
from stoker.wire.sigv4 import Verifier

DEFAULT_RECORDS = 100
MAX_RECORDS = 1000
_FILTERS = ("limit", "name", "user", "source", "since", "until", "refused")


class AuditPage:
    """Answers GET /_stoker/audit, newest first: `limit`, and which by `name` (the operation), `user` (a part of the
    caller's ARN), `source` (a service like `iam`), `since` and `until` (2026-01-31T12:00:00Z or its beginning),
    `refused` (1 for those that were)."""

    def __init__(self, *, records: AuditLog, verifier: Verifier) -> None:
        self._records = records
        self._verifier = verifier

    async def answer(self, request: Request) -> Response:
        """Raises what AWS answers to a request that is not signed, or not by the operator."""
        require_operator(self._verifier, request, "audit log")
        if request.method != "GET":
            return json_response(405, {"message": "Only GET."})
        query = {name: values[-1] for name, values in parse_qs(request.query).items()}
        if unknown := [name for name in query if name not in _FILTERS]:
            raise ValidationException(f"There is no {unknown[0]!r}; the audit log takes {', '.join(_FILTERS)}.")
        records = await self._records.read(lambda record: _is_wanted(record, query), _limit(query))
        return json_response(200, {"records": list(records)})


def _limit(query: Mapping[str, str]) -> int:
    text = query.get("limit", str(DEFAULT_RECORDS))
    if not text.isdecimal() or not 0 < int(text[:9]) <= MAX_RECORDS:
        raise ValidationException(f"The limit is a number from 1 to {MAX_RECORDS}.")
    return int(text)


def _is_wanted(record: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    at = record.get("eventTime", "")
    return (
        query.get("name") in (None, record.get("eventName"))
        and query.get("user", "") in record.get("userIdentity", {}).get("arn", "")
        and (not query.get("source") or record.get("eventSource", "").startswith(f"{query['source']}."))
        and at >= query.get("since", "")
        and ("until" not in query or at < query["until"])
        and (not query.get("refused") or "errorCode" in record)
    )
