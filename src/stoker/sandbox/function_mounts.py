"""What a function adds to a sandbox's root: its code, its layers and its disk, as detached mounts by their targets."""

import contextlib
import os
from collections.abc import AsyncIterator

from stoker.linux import mounts
from stoker.sandbox.slots import DEFAULT_DISK_MB, Slot, Slots
from stoker.sandbox.spec import SandboxSpec


@contextlib.asynccontextmanager
async def function_mounts(spec: SandboxSpec, slot: Slot, slots: Slots) -> AsyncIterator[dict[str, int]]:
    """The mounts, open for the length of the block. Raises OSError."""
    made = {"/var/task": mounts.clone_tree(str(spec.task_root))}
    try:
        if spec.layers_root is not None:
            made["/opt"] = mounts.clone_tree(str(spec.layers_root))
        if spec.ephemeral_mb != DEFAULT_DISK_MB:
            made["/tmp"] = await slots.disk(slot, spec.ephemeral_mb)
        yield {"/tmp": slot.disk, **made}
    finally:
        for descriptor in made.values():
            os.close(descriptor)
