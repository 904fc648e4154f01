"""The list of functions: search, state, and what they did this month as far as one may know it."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from stoker.console.routing import Route, get
from stoker.console.visit import Page, Visit
from stoker.observability.ledger import LastError, last_errors
from stoker.observability.telemetry import Telemetry

# Of a search; a list without one has fifty a page, as the API has.
MOST_SHOWN = 200


class FunctionList:
    """The pages that list functions."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self.routes: Sequence[Route] = [get("/functions", self.show)]

    async def show(self, visit: Visit) -> Page:
        """Some fifty at a time; a search looks through all."""
        wanted, marker = visit.query.get("q", "").strip(), visit.query.get("from", "")
        (found, following), used = await asyncio.gather(_listed(visit, wanted, marker), used_this_month(visit))
        shown = found[:MOST_SHOWN]
        context = {
            "functions": shown,
            "more": len(found) > len(shown),
            "q": wanted,
            "marker": marker,
            "following": following,
            "used": used,
            # What failed is told to whom the counts are.
            "errors": {} if used is None else await self._errors(visit, [each["FunctionName"] for each in shown]),
        }
        return Page(template="function_rows.html" if visit.is_fragment else "functions.html", context=context)

    async def _errors(self, visit: Visit, names: Sequence[str]) -> Mapping[str, LastError]:
        return await self._telemetry.read(lambda connection: last_errors(connection, visit.aws.region, names))


async def _listed(visit: Visit, wanted: str, marker: str) -> tuple[Sequence[Mapping[str, Any]], str | None]:
    """The functions of a page, or of all those that fit, and where the next page begins."""
    if not wanted:
        answer = await visit.aws.call("lambda", "ListFunctions", **({"Marker": marker} if marker else {}))
        return answer["Functions"], answer.get("NextMarker")
    answers = await visit.aws.pages("lambda", "ListFunctions", token=("NextMarker", "Marker"))
    listed = [each for answer in answers for each in answer["Functions"]]
    return await asyncio.to_thread(lambda: [each for each in listed if _fits(each, wanted)]), None


def _fits(function: Mapping[str, Any], wanted: str) -> bool:
    text = f"{function['FunctionName']} {function.get('Runtime', '')} {function.get('Description', '')}".lower()
    return all(word in text for word in wanted.lower().split())


async def used_this_month(visit: Visit) -> Mapping[str, Mapping[str, Any]] | None:
    """Invocations and errors by function; None for those who may not see the bill."""
    answer = await visit.aws.own_page("/_stoker/bill", "by=function")
    if answer.status != 200:
        return None
    prefix = f"{visit.aws.region}:"
    lines = {str(line["key"]): line for line in json.loads(answer.body)["lines"]}
    return {key.removeprefix(prefix): line for key, line in lines.items() if key.startswith(prefix)}
