"""The wire's behaviour as data: each case in `cases/*.json` is a request or an answer of one service.

A case has a `name`, a `service` and one of
- `request` {method, path, query, headers, body} with `operation` and `params`, or with `error` {code, status, message},
- `result` {members, status, headers} of an `operation`, with `answer` {status, headers, body},
- `fault` {code, status, message, members}, with `answer`.
A body is text, or a JSON value; bytes in params and members are {"$bytes": base64}, moments {"$moment": ISO 8601}.
"""

import base64
import json
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader

from stoker.model.errors import ServiceError
from stoker.wire.api import ServiceApi
from stoker.wire.message import Request, Response, Result

CASES = [
    pytest.param(case, id=f"{path.stem}: {case['name']}")
    for path in sorted((Path(__file__).parent / "cases").glob("*.json"))
    for case in json.loads(path.read_text())
]


@cache
def api(service: str) -> ServiceApi:
    return ServiceApi.load(service, Loader())


def decoded(value: Any) -> Any:
    if isinstance(value, dict):
        if "$bytes" in value:
            return base64.b64decode(value["$bytes"])
        if "$moment" in value:
            return datetime.fromisoformat(value["$moment"])
        return {key: decoded(item) for key, item in value.items()}
    return [decoded(item) for item in value] if isinstance(value, list) else value


def as_request(sent: dict[str, Any]) -> Request:
    body = sent.get("body", "")
    return Request(
        method=sent.get("method", "POST"),
        host="localhost",
        path=sent.get("path", "/"),
        query=sent.get("query", ""),
        headers=sent.get("headers", {}),
        body=(body if isinstance(body, str) else json.dumps(body)).encode(),
    )


def received(case: dict[str, Any]) -> Any:
    request = as_request(case["request"])
    operation = api(case["service"]).operation(request)
    return {"operation": operation.name, "params": operation.parse(request)}


def check_request(case: dict[str, Any]) -> None:
    if "error" not in case:
        assert received(case) == {"operation": case["operation"], "params": decoded(case["params"])}
        return
    with pytest.raises(ServiceError) as refused:
        received(case)
    said = {"code": refused.value.code, "status": refused.value.status, "message": refused.value.message}
    assert {**said, **case["error"]} == said


def check_result(case: dict[str, Any]) -> None:
    result = decoded(case["result"])
    service = api(case["service"])
    operation = service._operations.get(case["operation"]) or service._compile(case["operation"])
    check_answer(case["answer"], operation.serialise(Result(**result), "the-id"))


def check_fault(case: dict[str, Any]) -> None:
    fault = case["fault"]
    kind = type("Fault", (ServiceError,), {"code": fault["code"], "status": fault["status"]})
    error = kind(fault["message"], **fault.get("members", {}))
    check_answer(case["answer"], api(case["service"]).fail(error, "the-id"))


def check_answer(expected: dict[str, Any], answer: Response) -> None:
    assert isinstance(answer.body, bytes)
    headers = {name.lower(): value for name, value in answer.headers}
    assert len(headers) == len(answer.headers)
    assert headers["x-amzn-requestid"] == expected.get("request_id", "the-id")
    assert answer.status == expected["status"]
    assert headers.get("content-length", str(len(answer.body))) == str(len(answer.body))
    assert {name: headers.get(name) for name in expected.get("headers", {})} == expected.get("headers", {})
    body = expected.get("body", "")
    assert (answer.body.decode() if isinstance(body, str) else json.loads(answer.body)) == body


CHECKS: dict[str, Callable[[dict[str, Any]], None]] = {
    "request": check_request,
    "result": check_result,
    "fault": check_fault,
}


@pytest.mark.parametrize("case", CASES)
def test_the_wire_behaves_as_the_case_says(case: dict[str, Any]) -> None:
    kinds = case.keys() & CHECKS.keys()
    assert len(kinds) == 1, "a case is one of request, result and fault"
    CHECKS[kinds.pop()](case)
