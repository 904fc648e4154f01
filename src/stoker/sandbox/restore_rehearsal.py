"""What a process writes to that comes of a template, learned from one that nobody waits for, as `rehearsal` does.

Its invocation has nothing of the function's and of no caller's, so that what is learned tells nobody anything of
another: the hooks of `snapshot_restore_py` and the handler do not run in it, what registered for a fork does.
"""

import asyncio
from bisect import bisect_left

from stoker.linux.huge_pages import FAULT_BYTES
from stoker.linux.process_memory import PAGE_BYTES, ProcessMemory, descendants
from stoker.sandbox import rehearsal
from stoker.sandbox.blank import Blank
from stoker.sandbox.image_table import POPULATE_READ, POPULATE_WRITE, Advice
from stoker.sandbox.snapshot import Snapshot

# What a template's processes copy ahead at most: numpy and pandas write to 3.5 MB.
MAX_COPIED_BYTES = 16 << 20
MAX_SEEN_BYTES = 64 << 20
VARIABLES = {f"STOKER_REHEARSAL_{number}": "x" * 40 for number in range(24)}


async def rehearse(blank: Blank, snapshot: Snapshot) -> None:
    """Have `blank`, restored from the snapshot, show it; others find that memory at hand then. Raises SandboxError."""
    blank.channel.setblocking(False)
    blank.go_on(VARIABLES, rehearsal=True)
    await rehearsal.invoke(blank.channel)
    snapshot.advise(await asyncio.to_thread(_advice, blank.pid, snapshot))


def _advice(init_pid: int, snapshot: Snapshot) -> list[Advice]:
    """What was written to is copied; what was looked at mapped, and all that is in huge pages.

    Only where the host knows of a mapping: what a function's process maps besides is its own affair.
    """
    written: list[int] = []
    seen: list[int] = []
    looked_at = [address for address, _, _ in snapshot.looks]
    worker = next(descendants(init_pid), None)
    if worker is None:
        raise ProcessLookupError(f"process {init_pid} has no worker any more")
    with ProcessMemory(worker) as memory:
        for each in snapshot.mappings:
            exclusive, in_file = memory.pages_at_hand(each)
            written += exclusive
            own = looked_at[bisect_left(looked_at, each.start) : bisect_left(looked_at, each.end)]
            at_hand = {address // FAULT_BYTES for address in own}
            seen += [page for page in in_file if page // FAULT_BYTES not in at_hand]
    copied = rehearsal.runs_of(written[: MAX_COPIED_BYTES // PAGE_BYTES])
    mapped = rehearsal.runs_of(seen[: MAX_SEEN_BYTES // PAGE_BYTES])
    # In this order: a page that has been copied is looked at without its neighbours being mapped.
    return [
        *snapshot.looks,
        *((*run, POPULATE_READ) for run in mapped),
        *((*run, POPULATE_WRITE) for run in copied),
    ]
