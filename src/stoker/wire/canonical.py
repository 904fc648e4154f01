"""Signature Version 4's canonical forms of paths, queries and header values.

Source: the section on creating a canonical request of the IAM user guide; S3 differs in the path.
"""

import re
from urllib.parse import quote, unquote_to_bytes

_PLAIN_PATH = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)+").fullmatch
_UNRESERVED = "-_.~"


def path(raw: str, *, s3: bool) -> str:
    """The path of a request as it was sent (still encoded). Every service but S3 tidies it and encodes it once more."""
    if raw == "/" or _PLAIN_PATH(raw) is not None:
        return raw
    if s3:
        return "/".join(quote(unquote_to_bytes(segment), safe=_UNRESERVED) for segment in raw.split("/")) or "/"
    return quote(_without_dot_segments(raw) or "/", safe="/" + _UNRESERVED)


def _without_dot_segments(raw: str) -> str:
    """RFC 3986, 5.2.4, and without the empty segments that doubled slashes make."""
    kept: list[str] = []
    for segment in raw.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    end = "/" if raw.endswith("/") and kept else ""
    return f"/{'/'.join(kept)}{end}"


def query(raw: str, *, without: str = "") -> str:
    """The query string's parameters, encoded the one way and sorted; leaves out the one called `without`."""
    if not raw:
        return ""
    pairs = []
    for part in raw.split("&"):
        name, _, value = part.partition("=")
        if part and name != without:
            pairs.append((_encode(name), _encode(value)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _encode(text: str) -> str:
    return quote(unquote_to_bytes(text.replace("+", " ")), safe=_UNRESERVED)


def header(value: str) -> str:
    """Without spaces around it, and with single ones inside."""
    return " ".join(value.split()) if "  " in value or value[:1].isspace() or value[-1:].isspace() else value
