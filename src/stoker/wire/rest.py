"""What the REST protocols share: the method and path name the operation, and members travel in the URI and headers."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import parse_qs, unquote

from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

from stoker.wire import timestamps
from stoker.wire.errors import SerializationException, UnknownOperationException
from stoker.wire.message import Request

Query = dict[str, list[str]]
Reader = Callable[[str], Any]
_LABEL = re.compile(r"\{([\w-]+)(\+?)\}")
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")


def parse_query(query: str) -> Query:
    """Query parameters by name, decoded. A parameter without a value has an empty one."""
    return parse_qs(query, keep_blank_values=True) if query else {}


@dataclass(kw_only=True, slots=True)
class _Node:
    """A place in the tree of paths. `leaves` are the operations that end here, the ones with most conditions first."""

    children: dict[str, "_Node"] = field(default_factory=dict)
    label: "_Node | None" = None
    greedy: "_Node | None" = None
    leaves: list[tuple[int, Query, str]] = field(default_factory=list)


class Router:
    """Finds the operation of a request by its method, path and the query parameters that a model's URI states."""

    def __init__(self, model: ServiceModel) -> None:
        self._roots: dict[str, _Node] = {}
        for name in model.operation_names:
            http = model.operation_model(name).http
            self._add(name, http["method"], http["requestUri"])

    def _add(self, name: str, method: str, uri: str) -> None:
        path, _, query = uri.partition("?")
        node = self._roots.setdefault(method, _Node())
        for segment in segments(path):
            node = _step(node, segment)
        conditions = parse_query(query)
        node.leaves.append((len(conditions), conditions, name))
        node.leaves.sort(key=lambda leaf: -leaf[0])

    def find(self, method: str, path: str, query: str) -> str:
        """The operation's name; raises UnknownOperationException."""
        root = self._roots.get(method)
        node = _walk(root, segments(path), 0) if root is not None else None
        if node is not None:
            if len(node.leaves) == 1 and not node.leaves[0][0]:
                return node.leaves[0][2]
            sent = parse_query(query)
            for _, conditions, name in node.leaves:
                if all(_meets(sent, key, values) for key, values in conditions.items()):
                    return name
        raise UnknownOperationException()


def segments(path: str) -> list[str]:
    """The path's parts, still encoded; clients that double or add a slash are forgiven."""
    return [segment for segment in path.split("/") if segment]


def _step(node: _Node, segment: str) -> _Node:
    label = _LABEL.fullmatch(segment)
    if label is None:
        return node.children.setdefault(segment, _Node())
    if label[2]:
        node.greedy = node.greedy or _Node()
        return node.greedy
    node.label = node.label or _Node()
    return node.label


def _walk(node: _Node, parts: list[str], index: int) -> _Node | None:
    if index == len(parts):
        return node if node.leaves else None
    child = node.children.get(parts[index])
    found = _walk(child, parts, index + 1) if child is not None else None
    if found is None and node.label is not None:
        found = _walk(node.label, parts, index + 1)
    if found is None and node.greedy is not None:
        found = next(filter(None, (_walk(node.greedy, parts, end) for end in range(len(parts), index, -1))), None)
    return found


def _meets(sent: Query, key: str, values: list[str]) -> bool:
    return key in sent and (values == [""] or sent[key] == values)


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestBinding:
    """The members of one operation's input that travel outside the body."""

    labels: tuple[tuple[str, int, int, Reader], ...]
    """Name, segment, how many segments follow a greedy label (-1: not greedy), reader."""
    queries: tuple[tuple[str, str, Callable[[list[str]], Any]], ...]
    query_map: str | None
    headers: tuple[tuple[str, str, Reader], ...]
    prefixed_headers: tuple[tuple[str, str], ...]
    split: Callable[[str], list[str]]

    def read(self, request: Request) -> dict[str, Any]:
        params: dict[str, Any] = {}
        if self.labels:
            _read_labels(self.labels, self.split(request.path), params)
        if request.query and (self.queries or self.query_map):
            self._read_query(parse_query(request.query), params)
        for name, sent_as, read in self.headers:
            text = request.headers.get(sent_as)
            if text is not None:
                params[name] = read(text)
        for name, prefix in self.prefixed_headers:
            params[name] = {key[len(prefix) :]: text for key, text in request.headers.items() if key.startswith(prefix)}
        return params

    def _read_query(self, query: Query, params: dict[str, Any]) -> None:
        for name, sent_as, read in self.queries:
            texts = query.get(sent_as)
            if texts is not None:
                params[name] = read(texts)
        if self.query_map is not None:
            bound = {sent_as for _, sent_as, _ in self.queries}
            params[self.query_map] = {key: texts[0] for key, texts in query.items() if key not in bound}


def _read_labels(labels: tuple[tuple[str, int, int, Reader], ...], parts: list[str], params: dict[str, Any]) -> None:
    for name, index, following, read in labels:
        text = parts[index] if following < 0 else "/".join(parts[index : len(parts) - following])
        params[name] = read(unquote(text) if "%" in text else text)


def bind_request(
    shape: StructureShape | None, uri: str, split: Callable[[str], list[str]] = segments
) -> RequestBinding:
    """Compile the members of `shape` that have a location; `uri` is the model's, with its labels.

    `split` makes the parts of a path that labels count.
    """
    by_location = _by_location(shape)
    maps = [name for name, _, member in by_location["querystring"] if isinstance(member, MapShape)]
    return RequestBinding(
        labels=tuple(_labels(uri.partition("?")[0], by_location["uri"])),
        queries=tuple(
            (name, sent_as, _query_reader(member))
            for name, sent_as, member in by_location["querystring"]
            if not isinstance(member, MapShape)
        ),
        query_map=maps[0] if maps else None,
        headers=tuple(
            (name, sent_as.lower(), _header_reader(member)) for name, sent_as, member in by_location["header"]
        ),
        prefixed_headers=tuple((name, sent_as.lower()) for name, sent_as, _ in by_location["headers"]),
        split=split,
    )


def _by_location(shape: StructureShape | None) -> dict[str, list[tuple[str, str, Shape]]]:
    found: dict[str, list[tuple[str, str, Shape]]] = {
        location: [] for location in ("uri", "querystring", "header", "headers", "statusCode")
    }
    for name, member in (shape.members if shape is not None else {}).items():
        location = member.serialization.get("location")
        if location is not None:
            found[location].append((name, member.serialization.get("name", name), member))
    return found


def _labels(path: str, members: list[tuple[str, str, Shape]]) -> Iterator[tuple[str, int, int, Reader]]:
    names = {sent_as: (name, member) for name, sent_as, member in members}
    parts = segments(path)
    for index, part in enumerate(parts):
        label = _LABEL.fullmatch(part)
        if label is not None:
            name, member = names[label[1]]
            yield name, index, len(parts) - index - 1 if label[2] else -1, text_reader(member)


def in_body(shape: StructureShape | None) -> frozenset[str]:
    """The names of the members that have no location of their own."""
    members = shape.members if shape is not None else {}
    return frozenset(name for name, member in members.items() if "location" not in member.serialization)


def _query_reader(shape: Shape) -> Callable[[list[str]], Any]:
    if isinstance(shape, ListShape):
        read = text_reader(shape.member)
        return lambda texts: [read(text) for text in texts]
    read_one = text_reader(shape)
    return lambda texts: read_one(texts[-1])


def _header_reader(shape: Shape) -> Reader:
    if isinstance(shape, ListShape):
        read = text_reader(shape.member)
        return lambda text: [read(part.strip()) for part in text.split(",")]
    return text_reader(shape)


def text_reader(shape: Shape) -> Reader:
    """How a scalar is read from text."""
    readers: dict[str, Reader] = {
        "boolean": _read_boolean,
        "integer": partial(_read_integer, "Integer", 1 << 31),
        "long": partial(_read_integer, "Long", 1 << 63),
        "float": _read_float,
        "double": _read_float,
        "timestamp": timestamps.read,
        "blob": str.encode,
    }
    return readers.get(shape.type_name, str)


def _read_boolean(text: str) -> bool:
    if text not in ("true", "false", "True", "False"):
        raise SerializationException(f"Unable to parse the boolean '{text}'")
    return text in ("true", "True")


def _read_integer(noun: str, limit: int, text: str) -> int:
    if _INTEGER.fullmatch(text) is None or not -limit <= int(text) < limit:
        raise SerializationException(f"STRING_VALUE can not be converted to {noun}")
    return int(text)


def _read_float(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise SerializationException("STRING_VALUE can not be converted to Double") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class ResponseBinding:
    """The members of one operation's output that travel outside the body."""

    status: str | None
    headers: tuple[tuple[str, str, Callable[[Any], str]], ...]
    prefixed_headers: tuple[tuple[str, str], ...]

    def write(self, members: Mapping[str, Any], headers: list[tuple[str, str]]) -> int | None:
        """Add headers; the status, if a member states it."""
        for name, sent_as, write in self.headers:
            value = members.get(name)
            if value is not None:
                headers.append((sent_as, write(value)))
        for name, prefix in self.prefixed_headers:
            headers += [(prefix + key, value) for key, value in (members.get(name) or {}).items()]
        return members.get(self.status) if self.status is not None else None


def bind_response(shape: StructureShape | None) -> ResponseBinding:
    by_location = _by_location(shape)
    return ResponseBinding(
        status=next((name for name, _, _ in by_location["statusCode"]), None),
        headers=tuple((name, sent_as, _header_writer(member)) for name, sent_as, member in by_location["header"]),
        prefixed_headers=tuple((name, sent_as) for name, sent_as, _ in by_location["headers"]),
    )


def _header_writer(shape: Shape) -> Callable[[Any], str]:
    if isinstance(shape, ListShape):
        write = _header_writer(shape.member)
        return lambda values: ",".join(write(value) for value in values)
    if shape.type_name == "timestamp":
        write_moment = timestamps.WRITERS[shape.serialization.get("timestampFormat", "rfc822")]
        return lambda value: str(write_moment(value))
    if shape.type_name == "boolean":
        return lambda value: "true" if value else "false"
    return str
