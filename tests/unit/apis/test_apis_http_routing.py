"""Which route of an HTTP API a request takes."""

from collections.abc import Mapping, Sequence
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.apis.errors import BadRequestException
from stoker.apis.http.route_key import RouteKey, parse_route_key
from stoker.apis.http.routing import RoutingTable

AWS_EXAMPLE = ["GET /pets/dog/1", "GET /pets/dog/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}", "$default"]


def table_of(keys: Sequence[str]) -> RoutingTable[str]:
    return RoutingTable((parse_route_key(key), key) for key in keys)


@pytest.mark.parametrize(
    ("request_line", "route"),
    [
        ("GET /pets/dog/1", "GET /pets/dog/1"),
        ("GET /pets/dog/2", "GET /pets/dog/{id}"),
        ("GET /pets/cat/1", "GET /pets/{proxy+}"),
        ("POST /test/5", "ANY /{proxy+}"),
        ("GET /", "$default"),
    ],
)
def test_the_most_specific_route_is_taken(request_line: str, route: str) -> None:
    method, path = request_line.split()
    match = table_of(AWS_EXAMPLE).match(method, path)
    assert match is not None and match.route == route


def test_variables_are_decoded_and_a_greedy_one_keeps_its_slashes() -> None:
    match = table_of(["GET /a/{one}/{rest+}"]).match("GET", "/a/x%2Fy/b%20c/d")
    assert match is not None and match.variables == {"one": "x/y", "rest": "b c/d"}


def test_a_method_is_preferred_to_any_and_others_do_not_match() -> None:
    table = table_of(["ANY /a", "GET /a", "PUT /b"])
    assert [table.match(method, "/a").route for method in ("GET", "POST")] == ["GET /a", "ANY /a"]  # type: ignore[union-attr]
    assert table.match("GET", "/b") is None


@pytest.mark.parametrize(
    "key", ["/a", "GET a", "FETCH /a", "GET /{a+}/b", "GET /{a}/{a}", "GET /{}", "GET /a b", "", "$other", "get /a"]
)
def test_a_key_that_is_none_is_refused(key: str) -> None:
    with pytest.raises(BadRequestException):
        parse_route_key(key)


segment = st.sampled_from(["a", "b", "{x}", "{y}"])
paths = st.lists(segment, max_size=3, unique=True).flatmap(
    lambda parts: st.sampled_from([parts, [*parts, "{rest+}"]]).map(lambda all_parts: "/" + "/".join(all_parts))
)
keys = st.one_of(st.just("$default"), st.tuples(st.sampled_from(["GET", "PUT", "ANY"]), paths).map(" ".join))
requests = st.tuples(
    st.sampled_from(["GET", "PUT", "POST"]),
    st.lists(st.sampled_from(["a", "b", "c", "", "a%2Fb"]), max_size=4).map(lambda parts: "/" + "/".join(parts)),
)


def slow_match(keys: Sequence[RouteKey], method: str, path: str) -> tuple[str, Mapping[str, str]] | None:
    """Every route is tried; of those that match, the first by AWS's order is taken."""
    segments = [unquote(each) for each in path[1:].split("/")] if path != "/" else []
    found = []
    for key in keys:
        if key.is_default:
            found.append(((2, (), 0), key.text, {}))
        elif key.method in (method, "ANY") and (variables := bound(key, segments)) is not None:
            kinds = tuple(2 if each.greedy else int(each.variable) for each in key.segments)
            found.append(((int(2 in kinds), kinds, int(key.method == "ANY")), key.text, variables))
    return None if not found else min(found, key=lambda each: each[0])[1:]


def bound(key: RouteKey, segments: Sequence[str]) -> dict[str, str] | None:
    variables = {}
    for at, each in enumerate(key.segments):
        if each.greedy:
            rest = "/".join(segments[at:])
            return {**variables, each.text: rest} if rest and len(segments) > at else None
        if at >= len(segments) or (segments[at] == "" and each.variable):
            return None
        if each.variable:
            variables[each.text] = segments[at]
        elif each.text != segments[at]:
            return None
    return variables if len(segments) == len(key.segments) else None


@given(st.lists(keys, max_size=8), requests)
def test_the_tree_routes_as_trying_all_does(texts: Sequence[str], request: tuple[str, str]) -> None:
    by_shape = {}
    for text in texts:
        key = parse_route_key(text)
        # Of two that differ in their variables' names only, neither is more specific.
        shape = (key.method, tuple("*" if each.variable else each.text for each in key.segments), text == "$default")
        by_shape.setdefault(shape, key)
    unlike = list(by_shape.values())
    match = RoutingTable((key, key.text) for key in unlike).match(*request)
    expected = slow_match(unlike, *request)
    assert (None if match is None else (match.route, dict(match.variables))) == expected
