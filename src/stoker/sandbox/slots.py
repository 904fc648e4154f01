"""Slots: the networks, user namespaces and disks that sandboxes will need, made ahead."""

import os
import socket
import sys
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from stoker.bootstrap.rootfs import UID
from stoker.sandbox.peer import Peer
from stoker.sandbox.reserve import Reserve

# Outside ids that no account has (systemd's and adduser's ranges end below); two to a slot: process 1 and the function.
FIRST_OUTSIDE_UID = 1_879_048_192
INIT_UID = 0
MAX_SLOTS = 16_000
DEFAULT_DISK_MB = 512
MB = 1 << 20


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
    """What the warden makes, with a few made ahead."""

    def __init__(self, warden: Peer, *, ready: int) -> None:
        self._warden = warden
        self._ready = Reserve("slots", make=self._make, discard=self._discard, low=ready, high=2 * ready)
        # Taken in turn: a number is used again late, as the kernel takes its time to let go of a network.
        self._free = deque(range(MAX_SLOTS))

    @classmethod
    async def start(cls, *, directory: Path, endpoint_port: int, ready: int) -> "tuple[Slots, Facts]":
        """Start the warden; the facts say what this machine cannot give."""
        directory.mkdir(parents=True, exist_ok=True)
        arguments = [str(directory), str(endpoint_port)]
        warden, hello = await Peer.start(
            "warden", lambda fd: [sys.executable, "-m", "stoker.sandbox.warden", str(fd), *arguments]
        )
        slots = cls(warden, ready=ready)
        slots._ready.fill()
        return slots, Facts(no_disk=hello["no_disk"], no_uplink=hello["no_uplink"])

    async def take(self) -> Slot:
        return await self._ready.take()

    async def disk(self, slot: Slot, size_mb: int) -> int:
        """A disk of another size than the one that the slot came with."""
        return await self._disk(slot.index, size_mb)

    def give_back(self, slot: Slot) -> None:
        """The slot's sandbox is gone, and its descriptors closed: its number may be used again."""
        self._free.append(slot.index)

    async def close(self) -> None:
        await self._ready.close()
        await self._warden.close()

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

    async def _discard(self, slot: Slot) -> None:
        slot.close()
        self.give_back(slot)

    async def _disk(self, index: int, size_mb: int) -> int:
        message = {"op": "disk", "size_bytes": size_mb * MB, "uid": outside_uid(index) + 1}
        _, (descriptor,) = await self._warden.request(message)
        return descriptor


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the warden could not have on this machine, with the reason; None where all is well."""

    no_disk: str | None
    no_uplink: str | None
