"""Payload format 1.0: REST APIs' form of events and answers, which an HTTP API's integration may ask for. Pure.

Source: "Create AWS Lambda proxy integrations for HTTP APIs" in the API Gateway Developer Guide.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote

from stoker.model.http_event import (
    PROTOCOL,
    Circumstances,
    HttpAnswer,
    HttpRequest,
    MalformedAnswerError,
    RouteContext,
    answer_body,
    answer_header,
    answer_status,
    encoded_body,
    log_time,
)
from stoker.model.principal import Principal

TEXT_TYPE = "text/plain;charset=UTF-8"


def to_event_v1(request: HttpRequest, fields: Sequence[tuple[str, str]], about: Circumstances) -> dict[str, Any]:
    """The event. `fields` are the request's headers one by one."""
    route = about.route
    assert route is not None
    body, encoded = encoded_body(request)
    headers, query = many_values(fields), many_values(parse_qsl(request.query, keep_blank_values=True))
    return {
        "version": "1.0",
        "resource": resource_of(route),
        "path": unquote(request.path),
        "httpMethod": request.method,
        "headers": last_values(headers),
        "multiValueHeaders": headers,
        "queryStringParameters": last_values(query) or None,
        "multiValueQueryStringParameters": query or None,
        "requestContext": context_v1(request, about, route),
        "pathParameters": dict(route.path_parameters) or None,
        "stageVariables": dict(route.stage_variables) or None,
        "body": body or None,
        "isBase64Encoded": encoded,
    }


def resource_of(route: RouteContext) -> str:
    """The path of a route, as it was made."""
    return route.route_key.partition(" ")[2] or route.route_key


def context_v1(request: HttpRequest, about: Circumstances, route: RouteContext) -> dict[str, Any]:
    """The requestContext, of events and of what authorizers get."""
    return {
        "accountId": route.account,
        "apiId": about.api_id,
        **({"authorizer": dict(route.authorizer)} if route.authorizer else {}),
        "domainName": about.domain,
        "domainPrefix": route.domain_prefix,
        "extendedRequestId": about.request_id,
        "httpMethod": request.method,
        "identity": _identity(request, about.caller),
        "path": request.path,
        "protocol": PROTOCOL,
        "requestId": about.request_id,
        "requestTime": log_time(about.at),
        "requestTimeEpoch": int(about.at * 1000),
        "resourceId": route.route_key,
        "resourcePath": resource_of(route),
        "stage": route.stage,
    }


def _identity(request: HttpRequest, caller: Principal | None) -> dict[str, Any]:
    return {
        "accessKey": caller.access_key if caller else None,
        "accountId": caller.account if caller else None,
        "caller": caller.user_id if caller else None,
        "cognitoAmr": None,
        "cognitoAuthenticationProvider": None,
        "cognitoAuthenticationType": None,
        "cognitoIdentityId": None,
        "cognitoIdentityPoolId": None,
        "principalOrgId": None,
        "sourceIp": request.source_ip,
        "user": caller.user_id if caller else None,
        "userAgent": request.headers.get("user-agent", ""),
        "userArn": caller.arn if caller else None,
    }


def read_answer_v1(payload: bytes) -> HttpAnswer:
    """A function's result as an HTTP answer; raises MalformedAnswerError. It has to say its status itself."""
    try:
        result = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise MalformedAnswerError("not JSON") from error
    if not isinstance(result, dict) or "statusCode" not in result:
        raise MalformedAnswerError("no statusCode")
    headers = answer_fields(result)
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.insert(0, ("Content-Type", TEXT_TYPE))
    return HttpAnswer(status=answer_status(result["statusCode"]), headers=headers, body=answer_body(result))


def answer_fields(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """`headers` and `multiValueHeaders`, which win where both have a name; raises MalformedAnswerError."""
    single, many = result.get("headers") or {}, result.get("multiValueHeaders") or {}
    if not isinstance(single, dict) or not isinstance(many, dict):
        raise MalformedAnswerError("headers are no object")
    if not all(isinstance(values, list) for values in many.values()):
        raise MalformedAnswerError("multiValueHeaders are no lists")
    names = {name.lower() for name in many}
    headers = [answer_header(name, value) for name, value in single.items() if name.lower() not in names]
    return headers + [answer_header(name, value) for name, values in many.items() for value in values]


def many_values(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """All values of each name."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, value in pairs:
        found[name].append(value)
    return dict(found)


def last_values(many: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The last value of each name."""
    return {name: values[-1] for name, values in many.items()}
