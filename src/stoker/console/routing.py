"""Which page is at which path below the console's."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import unquote

from stoker.console.visit import PageMaker

_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, kw_only=True)
class Route:
    """A page. A `{name}` in the path stands for one part of it."""

    method: str
    path: str
    page: PageMaker


def get(path: str, page: PageMaker) -> Route:
    """A page that shows something and changes nothing."""
    return Route(method="GET", path=path, page=page)


def post(path: str, page: PageMaker) -> Route:
    """A page that does something."""
    return Route(method="POST", path=path, page=page)


class Part(Protocol):
    """Some pages that belong together."""

    @property
    def routes(self) -> Sequence[Route]: ...


class Routes:
    """Finds the page of a request; the first that fits."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = [(re.compile(_PLACE.sub(r"(?P<\1>[^/]+)", route.path)), route) for route in routes]

    def __repr__(self) -> str:
        return f"<Routes {len(self._routes)}>"

    def find(self, method: str, path: str) -> tuple[PageMaker, Mapping[str, str]] | None:
        for pattern, route in self._routes:
            found = pattern.fullmatch(path)
            if found is not None and route.method == method:
                return route.page, {name: unquote(part) for name, part in found.groupdict().items()}
        return None
