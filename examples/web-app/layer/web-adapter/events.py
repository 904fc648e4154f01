"""Events as HTTP requests, and HTTP answers as results: no I/O.

The shapes are those of "Working with AWS Lambda proxy integrations for HTTP APIs" (payload formats 1.0 and 2.0), which
REST APIs and function URLs share.
"""

import base64
import json
from collections import namedtuple
from urllib.parse import quote, urlencode

Request = namedtuple("Request", "method target headers body")

# About one connection and no other, and so not passed on.
HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
OWN = {"content-length", "expect", "x-amzn-request-context", "x-amzn-lambda-context"}
TEXT = ("text/", "application/json", "application/javascript", "application/xml")
# What may stand in a path as it is: RFC 3986, pchar, and what is escaped already.
PATH_SAFE = "/:@!$&'()*+,;=~%"


def request_of(event, context, settings):
    """The HTTP request that an event stands for; any other event is posted to the pass-through path as it is."""
    request_context = event.get("requestContext") if isinstance(event, dict) else None
    if isinstance(request_context, dict) and "http" in request_context:
        method, path = request_context["http"]["method"], event["rawPath"]
        query = event.get("rawQueryString", "")
        headers = list((event.get("headers") or {}).items())
        if event.get("cookies"):
            # A function URL sends them as a header too.
            headers = [(name, value) for name, value in headers if name.lower() != "cookie"]
            headers.append(("cookie", "; ".join(event["cookies"])))
    elif isinstance(request_context, dict) and "httpMethod" in event:
        method, path = event["httpMethod"], event["path"]
        query = urlencode(_all(event, "multiValueQueryStringParameters", "queryStringParameters"))
        headers = _all(event, "multiValueHeaders", "headers")
    else:
        headers = [("content-type", "application/json"), *_told({}, context)]
        return Request("POST", settings.pass_through_path, headers, json.dumps(event).encode())
    headers = [(name, value) for name, value in headers if name.lower() not in HOP_BY_HOP | OWN]
    headers = _authorized(headers, settings.authorization_source)
    path = path.removeprefix(settings.base_path) if settings.base_path else path
    target = quote(path, safe=PATH_SAFE) or "/"
    body = event.get("body") or ""
    return Request(
        method,
        f"{target}?{query}" if query else target,
        [*headers, *_told(request_context, context)],
        base64.b64decode(body) if event.get("isBase64Encoded") else body.encode(),
    )


def result_of(answer, body, event):
    """The result that stands for an HTTP answer, in the payload format of its event."""
    is_text = _is_text(answer, body)
    result = {
        "statusCode": answer.status,
        "body": body.decode() if is_text else base64.b64encode(body).decode(),
        "isBase64Encoded": not is_text,
    }
    if "http" in (event.get("requestContext") or {}):
        return {**result, **_headers_and_cookies(answer)}
    headers = {}
    for name, value in _kept(answer):
        headers.setdefault(name, []).append(value)
    return {**result, "multiValueHeaders": headers}


def prelude_of(answer):
    """What goes before the body of a streamed answer."""
    return {"statusCode": answer.status, **_headers_and_cookies(answer)}


def statuses(text):
    """The numbers of a list like "500,502-504"."""
    found = set()
    for part in filter(None, (part.strip() for part in text.split(","))):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


def _all(event, many, one):
    """Every name with each of its values."""
    values = event.get(many) or {name: [value] for name, value in (event.get(one) or {}).items()}
    return [(name, value) for name, each in values.items() for value in each]


def _told(request_context, context):
    """What the server may want to know. Always set here, so that no caller can."""
    return [
        ("x-amzn-request-context", json.dumps(request_context)),
        ("x-amzn-lambda-context", json.dumps(context)),
    ]


def _authorized(headers, source):
    """With another header's value as Authorization, where the gateway keeps that one for itself."""
    found = [value for name, value in headers if source and name.lower() == source.lower()]
    if not found:
        return headers
    rest = [(name, value) for name, value in headers if name.lower() not in (source.lower(), "authorization")]
    return [*rest, ("authorization", found[0])]


def _kept(answer):
    return [(name.lower(), value) for name, value in answer.getheaders() if name.lower() not in HOP_BY_HOP]


def _headers_and_cookies(answer):
    headers, cookies = {}, []
    for name, value in _kept(answer):
        if name == "set-cookie":
            cookies.append(value)
        else:
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return {"headers": headers, "cookies": cookies}


def _is_text(answer, body):
    if answer.getheader("content-encoding", "identity") != "identity":
        return False
    content_type = answer.getheader("content-type", "").lower()
    if not content_type.startswith(TEXT) and "+json" not in content_type and "+xml" not in content_type:
        return False
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
