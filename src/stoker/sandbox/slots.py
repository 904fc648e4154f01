"""Slots: the networks, user namespaces and disks that sandboxes will need, kept ready in a small pool."""

import asyncio
import logging
import os
import socket
import sys
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from stoker.bootstrap.rootfs import UID
from stoker.sandbox.peer import Peer

# Outside ids that no account has (systemd's and adduser's ranges end below); two to a slot: process 1 and the function.
FIRST_OUTSIDE_UID = 1_879_048_192
INIT_UID = 0
MAX_SLOTS = 16_000
DEFAULT_DISK_MB = 512
MB = 1 << 20
REFILL_PAUSE_S = 0.03
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One sandbox's prepared parts; whoever takes it closes its descriptors and returns its index."""

    index: int
    user_namespace: int
    network_namespace: int
    runtime_api: socket.socket
    endpoint: socket.socket
    disk: int

    @property
    def outside_uid(self) -> int:
        """The function's uid as the host sees it."""
        return outside_uid(self.index) + 1

    def close(self) -> None:
        for descriptor in (self.user_namespace, self.network_namespace, self.disk):
            os.close(descriptor)
        self.runtime_api.close()
        self.endpoint.close()


def outside_uid(index: int) -> int:
    return FIRST_OUTSIDE_UID + 2 * index


class Slots:
    """A pool over the warden: `take` is immediate while one is ready, and each is replaced behind the scenes."""

    def __init__(self, warden: Peer, *, ready: int) -> None:
        self._warden = warden
        self._target = ready
        self._ready: deque[Slot] = deque()
        # Taken in turn: a number is used again late, as the kernel takes its time to let go of a network.
        self._free = deque(range(MAX_SLOTS))
        self._refill: asyncio.Task[None] | None = None
        self._lull = Lull()

    @classmethod
    async def start(cls, *, directory: Path, endpoint_port: int, ready: int) -> "tuple[Slots, Facts]":
        """Start the warden; the facts say what this machine cannot give."""
        directory.mkdir(parents=True, exist_ok=True)
        arguments = [str(directory), str(endpoint_port)]
        warden, hello = await Peer.start(
            "warden", lambda fd: [sys.executable, "-m", "stoker.sandbox.warden", str(fd), *arguments]
        )
        slots = cls(warden, ready=ready)
        slots._top_up()
        return slots, Facts(no_disk=hello["no_disk"], no_uplink=hello["no_uplink"])

    async def take(self) -> Slot:
        self._lull.disturb()
        slot = self._ready.popleft() if self._ready else await self._make()
        self._top_up()
        return slot

    async def disk(self, slot: Slot, size_mb: int) -> int:
        """A disk of another size than the one that the slot came with."""
        return await self._disk(slot.index, size_mb)

    def give_back(self, slot: Slot) -> None:
        """The slot's sandbox is gone, and its descriptors closed: its number may be used again."""
        self._free.append(slot.index)

    async def close(self) -> None:
        self._target = 0
        if self._refill is not None:
            await asyncio.gather(self._refill, return_exceptions=True)
        while self._ready:
            self._ready.popleft().close()
        await self._warden.close()

    def _top_up(self) -> None:
        if self._refill is None or self._refill.done():
            self._refill = asyncio.create_task(self._fill(), name="slots")
            self._refill.add_done_callback(report_failure)

    async def _fill(self) -> None:
        while len(self._ready) < self._target:
            await self._lull.wait()
            self._ready.append(await self._make())

    async def _make(self) -> Slot:
        index = self._free.popleft()
        message = {"op": "slot", "index": index, "uid": UID, "init_uid": INIT_UID, "outside_uid": outside_uid(index)}
        _, (user, net, runtime_api, endpoint) = await self._warden.request(message)
        return Slot(
            index=index,
            user_namespace=user,
            network_namespace=net,
            runtime_api=socket.socket(fileno=runtime_api),
            endpoint=socket.socket(fileno=endpoint),
            disk=await self._disk(index, DEFAULT_DISK_MB),
        )

    async def _disk(self, index: int, size_mb: int) -> int:
        message = {"op": "disk", "size_bytes": size_mb * MB, "uid": outside_uid(index) + 1}
        _, (descriptor,) = await self._warden.request(message)
        return descriptor


class Lull:
    """The time in which nobody starts anything: whoever starts needs the CPU more than what is made ahead."""

    def __init__(self) -> None:
        self._last = float("-inf")

    def disturb(self) -> None:
        self._last = time.monotonic()

    async def wait(self) -> None:
        """Return when nothing was disturbed for REFILL_PAUSE_S."""
        while (rest := self._last + REFILL_PAUSE_S - time.monotonic()) > 0:
            await asyncio.sleep(rest)


def report_failure(refill: "asyncio.Task[None]") -> None:
    """A pool that could not be filled is for the operator's log; the next call for one meets the cause itself."""
    if not refill.cancelled() and (error := refill.exception()) is not None:
        log.error("%s: could not be prepared ahead: %s", refill.get_name(), error)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the warden could not have on this machine, with the reason; None where all is well."""

    no_disk: str | None
    no_uplink: str | None
