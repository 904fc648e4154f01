"""What function URLs and APIs share: what of a request a function sees, and its answer on the wire."""

from collections.abc import Sequence

from stoker.model.http_event import WITHOUT_BODY, HttpAnswer
from stoker.wire.message import TRACE_HEADER, Request, Response

# What is between a client and the server, and nothing of the function's.
_HOP_BY_HOP = frozenset(
    {"connection", "expect", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)
# A page that is reached by path has the origin of everything of Stoker's, the console with the operator's rights
# included. In a browser's sandbox it has none.
SANDBOX = ("Content-Security-Policy", "sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts")


def event_headers(request: Request, trace_id: str) -> dict[str, str]:
    """What a function sees: without what is about the connection, with what AWS's edge adds.

    A proxy in front of Stoker knows better by which scheme and port it was called, but nobody says whose address it is.
    """
    headers = {name: value for name, value in request.headers.items() if name not in _HOP_BY_HOP}
    port = "443" if request.scheme == "https" else "80"
    headers.setdefault("x-forwarded-proto", request.scheme)
    headers.setdefault("x-forwarded-port", request.host.rpartition(":")[2] if ":" in request.host else port)
    return {**headers, "x-forwarded-for": request.source_ip, TRACE_HEADER: trace_id}


def event_fields(sent: Sequence[tuple[str, str]], headers: dict[str, str]) -> list[tuple[str, str]]:
    """The same one by one: those that came several times, several times. `headers` are those of `event_headers`."""
    edges = {"x-forwarded-for", TRACE_HEADER}
    names = {name for name, _ in sent} | edges
    kept = [(name, value) for name, value in sent if name in headers and name not in edges]
    return [*kept, *((name, value) for name, value in headers.items() if name in edges or name not in names)]


def to_response(answer: HttpAnswer, further: Sequence[tuple[str, str]]) -> Response:
    """The answer with Stoker's own headers, which win over the function's of the same name."""
    own = {name.lower() for name, _ in further} - {"content-security-policy", "vary"}
    headers = [(name, value) for name, value in answer.headers if name.lower() not in own]
    if not isinstance(answer.body, bytes):
        return Response(status=answer.status, headers=[*headers, *further], body=answer.body)
    if answer.status in WITHOUT_BODY:
        return Response(status=answer.status, headers=[*headers, *further])
    length = ("Content-Length", str(len(answer.body)))
    return Response(status=answer.status, headers=[*headers, *further, length], body=answer.body)
