"""The bill: what a month would have cost, by function and by day, and how much of it is free."""

import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from stoker.console.aws_models import ApiError
from stoker.console.routing import Route, get
from stoker.console.visit import InputError, Page, Visit

_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
SHOWN_BARS = 12


class BillPage:
    """Reads /_stoker/bill with the reader's own signature: it is the operator's alone."""

    def __init__(self) -> None:
        self.routes: Sequence[Route] = [get("/bill", self.show)]

    async def show(self, visit: Visit) -> Page:
        month = visit.query.get("month") or time.strftime("%Y-%m", time.gmtime())
        if not _MONTH.fullmatch(month):
            raise InputError(f"{month} is no month: write one like 2026-01.")
        bill, days = await _read(visit, month, "function"), await _read(visit, month, "day")
        lines = sorted(bill["lines"], key=lambda line: -float(line["usd"]))
        context = {
            "section": "bill",
            "month": month,
            "bill": bill,
            "lines": lines,
            "bars": bars([(str(line["key"]).partition(":")[2], float(line["usd"])) for line in lines[:SHOWN_BARS]]),
            "days": bars([(str(line["key"]), float(line["usd"])) for line in days["lines"]]),
        }
        return Page(template="bill.html", context=context)


async def _read(visit: Visit, month: str, by: str) -> Mapping[str, Any]:
    answer = await visit.aws.own_page("/_stoker/bill", urlencode({"month": month, "by": by}))
    told: Mapping[str, Any] = json.loads(answer.body)
    if answer.status != 200:
        raise ApiError("AccessDenied", str(told.get("message", "")), answer.status)
    return told


def bars(amounts: Sequence[tuple[str, float]]) -> list[tuple[str, float, float]]:
    """Each name with its amount and its length from 0 to 100, the largest of all being 100."""
    merged: dict[str, float] = {}
    for name, amount in amounts:
        merged[name] = merged.get(name, 0.0) + amount
    largest = max(merged.values(), default=0.0)
    return [(name, amount, 100 * amount / largest if largest else 0.0) for name, amount in merged.items()]
