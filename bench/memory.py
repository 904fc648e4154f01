"""Memory: what a warm environment adds, and what Stoker takes when nothing runs."""

import time
from dataclasses import dataclass

from processes import pss_bytes, tree, with_mount_of
from stoker_target import Stoker

SETTLE_S = 2.0
WARM_CALLS = 20


@dataclass(frozen=True, kw_only=True)
class MemoryFigures:
    """Bytes of proportional set size, and how many processes they are of."""

    environment: int
    environment_processes: int
    stoker: int
    stoker_processes: int


def measure_memory(stoker: Stoker, name: str, digest: str) -> MemoryFigures:
    """Of the environment of the function `name`, whose code is `digest`, and of everything else that Stoker runs."""
    for _ in range(WARM_CALLS):
        stoker.invoke(name)
    time.sleep(SETTLE_S)
    everything = tree(stoker.server.pid)
    # An environment's processes are those that see its code; no other function has the same.
    environment = with_mount_of(digest, everything)
    if not environment:
        raise LookupError(f"no process of Stoker's has the code of {name} ({digest}) mounted")
    rest = everything - environment
    return MemoryFigures(
        environment=pss_bytes(environment),
        environment_processes=len(environment),
        stoker=pss_bytes(rest),
        stoker_processes=len(rest),
    )
