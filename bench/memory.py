"""Memory: what a warm environment adds, alone and among many, and what Stoker takes when nothing runs."""

import asyncio
import time
from dataclasses import dataclass

from load import once
from processes import pss_bytes, tree, with_mount_of
from stoker_target import Stoker
from target import TargetError

SETTLE_S = 2.0
WARM_CALLS = 20
# An environment is two processes: process 1, and the function's.
PROCESSES = 2
# So long that the last has started before the first is done.
CROWD_S = 10
CROWD_SOURCE = f"""
import time
def handler(event, context):
    time.sleep({CROWD_S})
"""


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


async def measure_crowd(stoker: Stoker, runtime: str, count: int) -> Footprint:
    """Of so many environments of one function, all warm and idle. Raises TargetError if there are fewer."""
    digest = stoker.deploy("crowd", CROWD_SOURCE, runtime=runtime, suffix=".py")
    await once(*[stoker.endpoint("crowd")] * count)
    await asyncio.sleep(SETTLE_S)
    footprint = _footprint(with_mount_of(digest, tree(stoker.server.pid)))
    if footprint.processes < count * PROCESSES:
        raise TargetError(f"{footprint.processes / PROCESSES:.0f} of {count} environments were there at once")
    return footprint
