"""Memory: what a warm environment adds, and what Stoker takes when nothing runs."""

import time
from dataclasses import dataclass

from processes import pss_bytes, tree, with_mount_of
from stoker_target import Stoker

SETTLE_S = 2.0
WARM_CALLS = 20


@dataclass(frozen=True, kw_only=True)
class Footprint:
    """Bytes of proportional set size, and of how many processes they are."""

    pss: int
    processes: int


@dataclass(frozen=True, kw_only=True)
class MemoryFigures:
    """Of one idle environment, and of everything else that Stoker runs at that moment."""

    environment: Footprint
    stoker: Footprint


def _footprint(pids: set[int]) -> Footprint:
    return Footprint(pss=pss_bytes(pids), processes=len(pids))


def measure_fresh(stoker: Stoker) -> Footprint:
    """Of a Stoker that has not been asked for anything yet."""
    time.sleep(SETTLE_S)
    return _footprint(tree(stoker.server.pid))


def measure_memory(stoker: Stoker, name: str, digest: str) -> MemoryFigures:
    """With the environment of the function `name`, whose code is `digest`, as the only one. Raises LookupError."""
    for _ in range(WARM_CALLS):
        stoker.invoke(name)
    time.sleep(SETTLE_S)
    everything = tree(stoker.server.pid)
    # An environment's processes are those that see its code; no other function has the same.
    environment = with_mount_of(digest, everything)
    if not environment:
        raise LookupError(f"no process of Stoker's has the code of {name} ({digest}) mounted")
    return MemoryFigures(environment=_footprint(environment), stoker=_footprint(everything - environment))
