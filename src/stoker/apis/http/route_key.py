"""Route keys of HTTP APIs: `GET /pets/{id}`, `ANY /{proxy+}`, `$default`. Pure.

Source: "Create routes for HTTP APIs" in the API Gateway Developer Guide.
"""

import re
from dataclasses import dataclass

from stoker.apis.errors import BadRequestException

DEFAULT = "$default"
ANY = "ANY"
METHODS = frozenset({"ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_VARIABLE = re.compile(r"\{([A-Za-z0-9._:-]+)(\+?)\}")
_LITERAL = re.compile(r"[^{}/\s?#]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """One part of a path between slashes: literal text, or a variable, which is greedy if it takes all that follows."""

    text: str
    variable: bool = False
    greedy: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class RouteKey:
    """A method and a path; `$default` has neither and takes what no other takes."""

    text: str
    method: str = ANY
    segments: tuple[Segment, ...] = ()

    @property
    def is_default(self) -> bool:
        return self.text == DEFAULT

    @property
    def path(self) -> str:
        return self.text.partition(" ")[2]


def parse_route_key(text: str) -> RouteKey:
    """Raises BadRequestException."""
    if text == DEFAULT:
        return RouteKey(text=text)
    method, _, path = text.partition(" ")
    if method not in METHODS or not path.startswith("/"):
        raise BadRequestException(
            "The provided route key is not formatted properly for HTTP protocol. Format should be "
            '"<HTTP METHOD> /<RESOURCE PATH>" or "$default"'
        )
    segments = tuple(_segment(each, text) for each in path[1:].split("/")) if path != "/" else ()
    names = [each.text for each in segments if each.variable]
    if len(names) != len(set(names)):
        raise BadRequestException(f"The route key {text} has a path variable more than once.")
    if any(each.greedy for each in segments[:-1]):
        raise BadRequestException(f"The route key {text} is invalid: a greedy path variable has to be last.")
    return RouteKey(text=text, method=method, segments=segments)


def _segment(text: str, key: str) -> Segment:
    variable = _VARIABLE.fullmatch(text)
    if variable is not None:
        return Segment(text=variable[1], variable=True, greedy=bool(variable[2]))
    # A slash at the end is a segment without text: `/pets/` is another path than `/pets`.
    if text and _LITERAL.fullmatch(text) is None:
        raise BadRequestException(f"The route key {key} is invalid: {text} is no path segment.")
    return Segment(text=text)
