"""An answer's head: its fields as they go out, and how the end of its body is told. Pure.

What frames an answer is said here and by nobody else: whoever could say it would decide where the next one begins.
"""

import re
from http import HTTPStatus
from typing import NamedTuple

from stoker.model.http_event import WITHOUT_BODY
from stoker.wire.message import Response


class BrokenOffError(Exception):
    """The rest of a streamed answer is not to be had, and whoever streamed it has said why: not here."""


class MalformedResponseError(Exception):
    """An answer has a field that would not be read as the one that it is, or a length that is none."""


class Head(NamedTuple):
    """`data` is all that goes out before the body. Of a `body` that is streamed, `length` is the stated one; without
    one it goes out in chunks, or ends with the connection (`is_chunked`).
    """

    data: bytes
    is_chunked: bool
    length: int | None
    has_body: bool
    closes: bool


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


STATUS_LINES = {status: f"HTTP/1.1 {status} {_phrase(status)}\r\n" for status in range(200, 600)}
CLOSE = "connection: close\r\n"
LAST_CHUNK = b"0\r\n\r\n"
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")
_NO_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# Every answer's, so that they need not be looked at.
_USUAL = frozenset({"content-type", "x-amzn-requestid", "x-amzn-trace-id", "apigw-requestid"})


def head(response: Response, method: str, *, date_line: str, keeps: bool, chunks: bool) -> Head:
    """The head of the answer to a request with `method`. `keeps`: the client may send the next one on its connection;
    `chunks`: it knows what chunks are. Raises MalformedResponseError, and UnicodeEncodeError for what is not latin-1.
    """
    lines, stated = [STATUS_LINES[response.status], date_line], None
    for given, value in response.headers:
        name = given.lower()
        if name == "content-length":
            stated = _length(value)
            continue
        if name == "connection":
            keeps = keeps and value.lower() != "close"
            continue
        # The server sets the one Date of an answer.
        if name in ("date", "transfer-encoding"):
            continue
        if (name not in _USUAL and _NAME.fullmatch(name) is None) or _NO_VALUE.search(value) is not None:
            raise MalformedResponseError(f"header {given!r}")
        lines.append(f"{name}: {value}\r\n")
    body, is_chunked = response.body, False
    has_body = method != "HEAD" and response.status not in WITHOUT_BODY
    if isinstance(body, bytes) and (has_body or (method == "HEAD" and stated is None)):
        stated = len(body)
    if has_body and stated is None:
        is_chunked, keeps = chunks, keeps and chunks
        lines.append("transfer-encoding: chunked\r\n" if chunks else "")
    elif stated is not None and response.status not in WITHOUT_BODY:
        lines.append(f"content-length: {stated}\r\n")
    lines.append("\r\n" if keeps else f"{CLOSE}\r\n")
    return Head("".join(lines).encode("latin-1"), is_chunked, stated, has_body, not keeps)


def _length(value: str) -> int:
    if not value.isascii() or not value.isdecimal():
        raise MalformedResponseError(f"content-length {value!r}")
    return int(value)


def chunk(piece: bytes) -> bytes:
    """A piece of a body, with its length before it. One of no bytes would be the last."""
    return b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b""
