"""/_stoker/bill: what a month's invocations and provisioned environments would cost, for the operator."""

import math
from collections.abc import Mapping
from typing import get_args
from urllib.parse import parse_qsl

from stoker.front_door.operator import require_operator
from stoker.front_door.own_paths import json_response
from stoker.model.clock import Clock
from stoker.model.errors import ValidationException
from stoker.observability.bill import Bill, BillLine, make_bill, month_bounds, month_of
from stoker.observability.ledger import UsageKey
from stoker.observability.prices import Prices
from stoker.observability.telemetry import Telemetry
from stoker.wire.message import Request, Response
from stoker.wire.sigv4 import Verifier

DEFAULT_KEY: UsageKey = "function"


class BillPage:
    """Answers GET /_stoker/bill?month=YYYY-MM&by=function, signed with the root key for the service `stoker`."""

    def __init__(self, *, telemetry: Telemetry, verifier: Verifier, prices: Prices, clock: Clock) -> None:
        self._telemetry = telemetry
        self._verifier = verifier
        self._prices = prices
        self._clock = clock

    async def answer(self, request: Request) -> Response:
        """Raises what AWS answers to a request that is not signed, or not by the operator."""
        require_operator(self._verifier, request, "bill")
        if request.method != "GET":
            return json_response(405, {"message": "Only GET."})
        query = dict(parse_qsl(request.query))
        month = query.get("month") or month_of(self._clock.time())
        by = _key(query.get("by") or DEFAULT_KEY)
        try:
            since, until = month_bounds(month)
        except ValueError as error:
            raise ValidationException(str(error)) from error
        bill = make_bill(await self._telemetry.usage(since, until, by), self._prices)
        return json_response(200, {"month": month, "by": by, **_members(bill)})


def _key(by: str) -> UsageKey:
    for key in get_args(UsageKey):
        if by == key:
            return key  # type: ignore[no-any-return]
    raise ValidationException(f"A bill is made by {', '.join(get_args(UsageKey))}, not by {by!r}.")


def _members(bill: Bill) -> Mapping[str, object]:
    return {
        "lines": [_line(line) for line in bill.lines],
        "total": {
            "requests": bill.requests,
            "gbSeconds": bill.gb_seconds,
            "provisionedGbSeconds": bill.held_gb_seconds,
            "streamedGb": bill.streamed_gb,
            "usd": _usd(bill.usd),
        },
        "freeTier": {
            "requests": bill.free_requests,
            "gbSeconds": bill.free_gb_seconds,
            "streamedGb": bill.free_streamed_gb,
            "usd": _usd(bill.free_usd),
        },
        "dueUsd": _usd(bill.due_usd),
    }


def _line(line: BillLine) -> Mapping[str, object]:
    usage = line.usage
    return {
        "key": usage.key,
        "architecture": usage.architecture,
        "requests": usage.requests,
        "errors": usage.errors,
        "billedMs": usage.billed_ms,
        "gbSeconds": usage.gb_seconds,
        "provisionedGbSeconds": usage.held_gb_seconds,
        "streamedGb": usage.streamed_gb,
        "usd": _usd(line.usd),
    }


def _usd(amount: float) -> float:
    """To ten decimals, as AWS writes its smallest prices: what is beyond is a float's dust."""
    return math.floor(amount * 1e10 + 0.5) / 1e10
