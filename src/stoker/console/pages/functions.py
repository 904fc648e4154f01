"""The list of functions: search, state, and what they did this month as far as one may know it."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from stoker.console.routing import Route, get
from stoker.console.visit import Page, Visit

PAGE_SIZE = 50


class FunctionList:
    """The pages that list functions."""

    def __init__(self) -> None:
        self.routes: Sequence[Route] = [get("/functions", self.show)]

    async def show(self, visit: Visit) -> Page:
        """Some fifty at a time; a search looks through all."""
        wanted, marker = visit.query.get("q", "").strip(), visit.query.get("from", "")
        if wanted:
            answers = await visit.aws.pages("lambda", "ListFunctions", token=("NextMarker", "Marker"))
            listed = [each for answer in answers for each in answer["Functions"]]
            found = await asyncio.to_thread(lambda: [each for each in listed if _fits(each, wanted)])
            following = None
        else:
            answer = await visit.aws.call("lambda", "ListFunctions", **({"Marker": marker} if marker else {}))
            found, following = answer["Functions"], answer.get("NextMarker")
        context = {
            "functions": found[:500],
            "more": len(found) > 500,
            "q": wanted,
            "marker": marker,
            "following": following,
            "used": await used_this_month(visit),
        }
        return Page(template="function_rows.html" if visit.is_fragment else "functions.html", context=context)


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
