"""Which route a request takes. Pure.

Source: "Routing API requests" in the API Gateway Developer Guide: a route that matches wholly, then one with a greedy
variable, then `$default`. Of several, the one that is literal where the other has a variable, from the left; a method
before ANY.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from urllib.parse import unquote

from stoker.apis.http.route_key import ANY, RouteKey

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Match(Generic[T]):
    """A route, and what its path's variables stand for, decoded."""

    route: T
    variables: Mapping[str, str]


@dataclass(slots=True)
class _Leaf(Generic[T]):
    names: tuple[str, ...]
    route: T


@dataclass(slots=True)
class _Node(Generic[T]):
    """What may follow a path's beginning. `here` and `greedy` are by method."""

    literals: "dict[str, _Node[T]]" = field(default_factory=dict)
    variable: "_Node[T] | None" = None
    here: dict[str, _Leaf[T]] = field(default_factory=dict)
    greedy: dict[str, _Leaf[T]] = field(default_factory=dict)


class RoutingTable(Generic[T]):
    """A tree of path segments: the cost of a look-up grows with the path, not with the number of routes."""

    def __init__(self, routes: Iterable[tuple[RouteKey, T]]) -> None:
        self._root: _Node[T] = _Node()
        self._default: T | None = None
        for key, route in routes:
            self._add(key, route)

    def match(self, method: str, path: str) -> Match[T] | None:
        """The route of a request; the path begins with a slash and is still percent-encoded."""
        raw = path[1:].split("/") if path != "/" else []
        segments = [unquote(each) for each in raw] if "%" in path else raw
        for greedy in (False, True):
            for leaves, values in _found(self._root, segments, 0, (), greedy=greedy):
                leaf = leaves.get(method) or leaves.get(ANY)
                if leaf is not None:
                    return Match(route=leaf.route, variables=dict(zip(leaf.names, values, strict=True)))
        return None if self._default is None else Match(route=self._default, variables={})

    def _add(self, key: RouteKey, route: T) -> None:
        if key.is_default:
            self._default = route
            return
        node, names = self._root, []
        for segment in key.segments:
            if segment.variable:
                names.append(segment.text)
            if segment.greedy:
                node.greedy[key.method] = _Leaf(tuple(names), route)
                return
            if segment.variable:
                node.variable = node.variable or _Node()
                node = node.variable
            else:
                node = node.literals.setdefault(unquote(segment.text), _Node())
        node.here[key.method] = _Leaf(tuple(names), route)


def _found(
    node: _Node[T], segments: list[str], at: int, values: tuple[str, ...], *, greedy: bool
) -> Iterator[tuple[dict[str, _Leaf[T]], tuple[str, ...]]]:
    """The leaves for a path, the most specific first; with a greedy variable at their end, or without."""
    if at == len(segments):
        if not greedy and node.here:
            yield node.here, values
        return
    text = segments[at]
    if text in node.literals:
        yield from _found(node.literals[text], segments, at + 1, values, greedy=greedy)
    if node.variable is not None and text:
        yield from _found(node.variable, segments, at + 1, (*values, text), greedy=greedy)
    if greedy and node.greedy and (text or at + 1 < len(segments)):
        yield node.greedy, (*values, "/".join(segments[at:]))
