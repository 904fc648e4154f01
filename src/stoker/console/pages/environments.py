"""The live picture of environments and their starts: what is shown is asked of the feed, who may see it of AWS."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from stoker.console.routing import Route, get
from stoker.console.sight import Sight
from stoker.console.visit import Events, Page, Visit
from stoker.environments.feed import ColdStart, EnvironmentView, TemplateView, Watched
from stoker.environments.fleet import Fleet

# Changes are sent together: what changes faster than that, nobody sees.
TURN_S = 0.1
# Templates tell nobody when they go.
TEMPLATES_S = 1.0
SHOWN_STARTS = 30
# Environments are looked at, and told, so many at a time: whose they are has to be asked for each function.
PART = 50


class EnvironmentPages:
    """The page of all functions, that of one, and what keeps both up to date."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self.routes: Sequence[Route] = [
            get("/environments", self.show),
            get("/environments/live", self.live),
            get("/functions/{name}/environments", self.show_one),
        ]

    async def show(self, visit: Visit) -> Page:
        return Page(template="environments.html", context={"section": "environments", "only": ""})

    async def show_one(self, visit: Visit) -> Page:
        known = await visit.aws.call("lambda", "GetFunctionConfiguration", FunctionName=visit.names["name"])
        context = {"function": known, "tab": "environments", "only": known["FunctionName"]}
        return Page(template="function_environments.html", context=context)

    async def live(self, visit: Visit) -> Events:
        picture = Picture(self._fleet, Sight(visit.aws), visit.query.get("function", ""))
        return Events(events=picture.events())


class Picture:
    """What one reader has been shown. `only` is a function's name, or empty for all."""

    def __init__(self, fleet: Fleet, sight: Sight, only: str) -> None:
        self._fleet = fleet
        self._sight = sight
        self._only = only
        self._shown: set[int] = set()
        self._told_starts = 0
        self._templates: list[TemplateView] | None = None

    def __repr__(self) -> str:
        return f"<Picture of {len(self._shown)} environments>"

    async def events(self) -> AsyncIterator[tuple[str, Any]]:
        """All of it, a part at a time, and the numbers of those that are there; then what changes."""
        with self._fleet.feed.watch() as watcher:
            changed: Sequence[Watched] | None = None
            while True:
                for part in _parts(self._fleet.environments if changed is None else changed):
                    if environments := await self._environments(part):
                        yield "picture", {"now": time.time(), "environments": environments}
                    # Others on the loop come in between.
                    await asyncio.sleep(0)
                if changed is None:
                    yield "present", sorted(self._shown)
                if starts := await self._starts():
                    yield "starts", starts
                templates = [each for each in self._fleet.templates.views if await self._sees(each)]
                if templates != self._templates:
                    self._templates = templates
                    yield "templates", templates
                await asyncio.sleep(TURN_S)
                try:
                    changed = await asyncio.wait_for(watcher.changed(), TEMPLATES_S)
                except TimeoutError:
                    changed = []

    async def _environments(self, watched: Sequence[Watched]) -> list[Any]:
        """How they stand. Of one that may be seen no longer, since its function is gone, only that it is gone."""
        told: list[Any] = []
        for environment in watched:
            view = environment.view()
            seen = await self._sees(view)
            if seen:
                told.append(view)
            elif view.number in self._shown:
                told.append({"number": view.number, "state": "gone"})
            if seen and view.state != "gone":
                self._shown.add(view.number)
            else:
                self._shown.discard(view.number)
        return told

    async def _starts(self) -> list[Any]:
        """The last ones that were not told yet, the earliest first."""
        feed = self._fleet.feed
        fresh = min(feed.count - self._told_starts, SHOWN_STARTS)
        self._told_starts = feed.count
        found = list(islice(feed.starts, fresh))
        return [each for each in reversed(found) if await self._sees(each)]

    async def _sees(self, each: EnvironmentView | ColdStart | TemplateView) -> bool:
        wanted = not self._only or each.function == self._only
        return wanted and await self._sight.sees(each.region, each.function)


def _parts(watched: Iterable[Watched]) -> Iterator[Sequence[Watched]]:
    """So many at a time."""
    there = list(watched)
    for first in range(0, len(there), PART):
        yield there[first : first + PART]
