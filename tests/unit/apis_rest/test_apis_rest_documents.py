"""What is made of documents: patches, the tree of paths, quotas' periods."""

from datetime import date
from typing import Any

import pytest

from stoker.apis.errors import BadRequestException
from stoker.apis.rest import patches
from stoker.apis.rest.blueprint import Blueprint, Limit
from stoker.apis.rest.documents import Document, new_document
from stoker.apis.rest.limits import Buckets
from stoker.apis.rest.methods import put_integration, put_method
from stoker.apis.rest.plan_rules import PLAN_PATCHABLE, patch_stages
from stoker.apis.rest.resources import resource_at
from stoker.apis.rest.usage import period_begin


def blueprint(*paths: str) -> Blueprint:
    """A stage with a method at each path: `GET /pets`."""
    document = new_document({"name": "x"}, api_id="abc", now=0)
    for path in paths:
        name, _, rest = path.partition(" ")
        resource = resource_at(document, rest)
        put_method(document, resource["id"], name, {"authorizationType": "NONE"})
        put_integration(document, resource["id"], name, {"type": "MOCK"})
    stage = {"stageName": "s", "deploymentId": "d"}
    return Blueprint(document, stage, region="us-east-1", account="0" * 12)


@pytest.mark.parametrize(
    ("request_line", "expected"),
    [
        ("GET /", "/"),
        ("GET /pets", "/pets"),
        ("GET /pets/", "/pets"),
        ("GET /pets/mine", "/pets/mine"),
        ("GET /pets/7", "/pets/{id}"),
        ("GET /pets/7/toys", "/pets/{id}/toys"),
        # The closest beginning leads nowhere: so the next closest is followed.
        ("GET /pets/mine/toys", "/pets/{id}/toys"),
        ("GET /pets/7/toys/x", "/{rest+}"),
        ("GET /other/x", "/{rest+}"),
        ("POST /pets/7", None),
        ("DELETE /any", "/any"),
    ],
)
def test_a_path_leads_to_the_closest_resource(request_line: str, expected: str | None) -> None:
    lines = ["/", "/pets", "/pets/mine", "/pets/{id}", "/pets/{id}/toys", "/{rest+}"]
    served = blueprint(*(f"GET {path}" for path in lines), "ANY /any")
    http_method, _, path = request_line.partition(" ")
    found = served.find(http_method, path)
    assert (None if found is None else found.method.resource_path) == expected


def test_parameters_are_what_stands_in_their_place() -> None:
    found = blueprint("GET /a/{x}/b/{rest+}").find("GET", "/a/1%2F2/b/c/d")
    assert found is not None and found.parameters == {"x": "1%2F2", "rest": "c/d"}


THINGS = patches.Patchable(
    members={"name": patches.text, "on": patches.boolean, "deep/limit": patches.integer},
    removable=frozenset({"name"}),
    maps={"variables": patches.text},
    sets=frozenset({"types"}),
)


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ({"op": "replace", "path": "/name", "value": "b"}, {"name": "b"}),
        ({"op": "remove", "path": "/name"}, {}),
        ({"op": "replace", "path": "/on", "value": "True"}, {"name": "a", "on": True}),
        ({"op": "add", "path": "/deep/limit", "value": "7"}, {"name": "a", "deep": {"limit": 7}}),
        ({"op": "add", "path": "/variables/a~1b~0c", "value": "1"}, {"name": "a", "variables": {"a/b~c": "1"}}),
        ({"op": "add", "path": "/types/image~1png"}, {"name": "a", "types": ["image/png"]}),
        ({"op": "add", "path": "/types", "value": "text/css"}, {"name": "a", "types": ["text/css"]}),
    ],
)
def test_a_patch_changes_what_its_path_names(operation: dict[str, str], expected: Document) -> None:
    document: Document = {"name": "a"}
    patches.apply(document, [operation], THINGS)
    assert document == expected


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "/other", "value": "b"},
        {"op": "copy", "path": "/name", "from": "/x"},
        {"op": "remove", "path": "/on"},
        {"op": "replace", "path": "/on", "value": "maybe"},
        {"op": "replace", "path": "/deep/limit", "value": "1.5"},
        {"op": "test", "path": "/variables/a", "value": "b"},
        {},
    ],
)
def test_any_other_patch_is_refused(operation: dict[str, str]) -> None:
    with pytest.raises(BadRequestException):
        patches.apply({"name": "a"}, [operation], THINGS)


def test_a_plan_s_stages_are_patched_by_their_names() -> None:
    plan: dict[str, Any] = {}
    patch_stages(plan, {"op": "add", "path": "/apiStages", "value": "abc:prod"})
    patch_stages(plan, {"op": "replace", "path": "/apiStages/abc:prod/throttle/~1a~1b/GET/rateLimit", "value": "2.5"})
    assert plan == {"apiStages": [{"apiId": "abc", "stage": "prod", "throttle": {"/a/b/GET": {"rateLimit": 2.5}}}]}
    patch_stages(plan, {"op": "remove", "path": "/apiStages", "value": "abc:prod"})
    assert plan == {"apiStages": []}
    patches.apply(plan, [{"op": "add", "path": "/throttle/rateLimit", "value": "1"}], PLAN_PATCHABLE)
    patches.apply(plan, [{"op": "remove", "path": "/throttle"}], PLAN_PATCHABLE)
    assert "throttle" not in plan


@pytest.mark.parametrize(
    ("period", "offset", "today", "expected"),
    [
        ("DAY", 0, date(2026, 3, 5), date(2026, 3, 5)),
        ("WEEK", 0, date(2026, 3, 5), date(2026, 3, 1)),
        ("WEEK", 4, date(2026, 3, 5), date(2026, 3, 5)),
        ("WEEK", 5, date(2026, 3, 5), date(2026, 2, 27)),
        ("MONTH", 0, date(2026, 3, 5), date(2026, 3, 1)),
        ("MONTH", 9, date(2026, 3, 5), date(2026, 2, 10)),
        ("MONTH", 27, date(2026, 1, 1), date(2025, 12, 28)),
    ],
)
def test_a_quota_s_period_begins_with_its_offset(period: str, offset: int, today: date, expected: date) -> None:
    assert period_begin(period, today, offset) == expected


def test_a_bucket_fills_again_by_its_rate() -> None:
    buckets, limit = Buckets(), Limit(rate=2.0, burst=3)
    assert [buckets.take("a", limit, 0.0) for _ in range(4)] == [True, True, True, False]
    assert [buckets.take("a", limit, 1.0) for _ in range(3)] == [True, True, False]
    assert buckets.take("b", limit, 1.0)
