"""The trace header, and the loops that its lineage shows. Pure.

`Root=1-<time>-<24 hex>;Parent=<16 hex>;Sampled=0;Lineage=<8 hex>:<n>|…`: for each function of a chain of invocations
a digest and how often it had been invoked in the chain before. The SDKs in a function pass the header on.
Source: "Recursive loop detection" in the AWS Lambda Developer Guide; "Tracing header" in the AWS X-Ray Developer Guide.
"""

import random
import re
import zlib
from functools import lru_cache

from msgspec import Struct

MAX_LOOPS = 16
"""So often a function runs in one chain; the next time it is stopped."""
# Whoever sends a longer one only wants to make it longer. The oldest functions of a chain are forgotten first.
MAX_LINEAGE = 32

_LINEAGE = re.compile(r";?Lineage=([^;]*)")
_ENTRY = re.compile(r"([0-9a-f]{8}):(\d{1,9})")


class Step(Struct, frozen=True, kw_only=True):
    """One more invocation in a chain: the header that the function gets, and how often it ran in the chain before."""

    header: str
    loops: int


def begin(header: str | None, now: float) -> str:
    """The header of a chain: the caller's if it has a root, else a new one; `now` in seconds since the epoch."""
    if header is not None and "Root=" in header:
        return header
    # Ids of traces need not be unguessable, only unlike all others.
    bits = f"{random.getrandbits(160):040x}"
    return f"Root=1-{int(now):08x}-{bits[:24]};Parent={bits[24:]};Sampled=0"


def step(header: str, function_arn: str) -> Step:
    """The header with one more run of a function (its unqualified ARN) in its lineage."""
    digest = _digest(function_arn)
    # Most chains begin here and have none.
    found = _LINEAGE.search(header) if "Lineage=" in header else None
    if found is None:
        return Step(header=f"{header};Lineage={digest}:0", loops=0)
    lineage = {name: int(count) for name, count in _ENTRY.findall(found[1])}
    loops = lineage.pop(digest, -1) + 1
    entries = [*lineage.items(), (digest, loops)][-MAX_LINEAGE:]
    text = "|".join(f"{name}:{count}" for name, count in entries)
    return Step(header=f"{_LINEAGE.sub('', header)};Lineage={text}", loops=loops)


@lru_cache(maxsize=1024)
def _digest(function_arn: str) -> str:
    return f"{zlib.crc32(function_arn.encode()):08x}"
