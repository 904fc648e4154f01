"""The header that carries a trace: X-Ray's, which functions get, and W3C's, which callers may bring. Pure.

`Root=1-<8 hex>-<24 hex>;Parent=<16 hex>;Sampled=<0|1|?>` and whatever else, which is passed on as it came. The 32
digits of the root are the trace's id, and `Parent` is the span's.
Source: "Tracing header" in the AWS X-Ray Developer Guide; "Trace Context", W3C Recommendation, section 3.2.
"""

import re

from msgspec import Struct

_ROOT = re.compile(r"(?:^|;)\s*Root=1-([0-9a-fA-F]{8})-([0-9a-fA-F]{24})\s*(?=;|$)")
_PARENT = re.compile(r"(?:^|;)\s*Parent=([0-9a-fA-F]{16})\s*(?=;|$)")
_SAMPLED = re.compile(r"(?:^|;)\s*Sampled=([01])\s*(?=;|$)")
_OURS = re.compile(r"\s*(?:Root|Parent|Sampled|Self)=")
_W3C = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16


class Context(Struct, frozen=True):
    """Where in which trace something happens. Ids are hex digits; `sampled` is None while nobody has decided."""

    trace_id: str
    parent_id: str | None
    sampled: bool | None


def read(header: str | None, traceparent: str | None = None) -> Context | None:
    """The context that a caller brings; None without one, and for what is none.

    X-Ray's header goes first, since an SDK in a function always sends it. But the W3C's parent in the same trace is
    nearer: the span around the call, made by the function itself.
    """
    nearer = _read_w3c(traceparent) if traceparent else None
    found = _read_xray(header) if header else None
    return nearer if found is None or (nearer is not None and nearer.trace_id == found.trace_id) else found


def write(header: str | None, context: Context) -> str:
    """X-Ray's header for `context`, with whatever else was in `header`."""
    parts = [f"Root=1-{context.trace_id[:8]}-{context.trace_id[8:]}"]
    if context.parent_id is not None:
        parts.append(f"Parent={context.parent_id}")
    parts.append(f"Sampled={'?' if context.sampled is None else int(context.sampled)}")
    if header is not None:
        parts += [part for part in header.split(";") if part and not _OURS.match(part)]
    return ";".join(parts)


def _read_xray(header: str) -> Context | None:
    root = _ROOT.search(header)
    if root is None:
        return None
    parent, sampled = _PARENT.search(header), _SAMPLED.search(header)
    return Context(
        (root[1] + root[2]).lower(),
        parent[1].lower() if parent is not None else None,
        sampled[1] == "1" if sampled is not None else None,
    )


def _read_w3c(traceparent: str) -> Context | None:
    match = _W3C.fullmatch(traceparent)
    if match is None or match[0].startswith("ff") or match[1] == _NO_TRACE or match[2] == _NO_SPAN:
        return None
    return Context(match[1], match[2], bool(int(match[3], 16) & 1))
