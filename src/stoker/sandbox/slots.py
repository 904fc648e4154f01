"""Slots: the networks, user namespaces and disks that sandboxes will need, made ahead."""

import asyncio
import contextlib
import os
import socket
import sys
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from stoker.sandbox.peer import Message, Peer, PeerGoneError
from stoker.sandbox.reserve import Reserve
from stoker.sandbox.slot_ids import MAX_SLOTS, IdPlan, SlotIds

DEFAULT_DISK_MB = 512
MB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One sandbox's prepared parts; whoever takes it closes its descriptors and returns its index."""

    index: int
    ids: SlotIds
    user_namespace: int
    network_namespace: int
    runtime_api: socket.socket
    endpoint: socket.socket
    disk: int

    def close(self) -> None:
        for descriptor in (self.user_namespace, self.network_namespace, self.disk):
            os.close(descriptor)
        self.runtime_api.close()
        self.endpoint.close()


class Slots:
    """What the warden makes, with a few made ahead. A warden that died is replaced; what it made lives on."""

    def __init__(self, *, directory: Path, endpoint_port: int, ready: int) -> None:
        self._arguments = [str(directory), str(endpoint_port)]
        # The network that the first warden chose, for one that takes its place.
        self._addresses = ""
        self._warden: Peer | None = None
        self._starting = asyncio.Lock()
        self._ready = Reserve("slots", make=self._make, discard=self._discard, low=ready, high=2 * ready)
        # Taken in turn: a number is used again late, as the kernel takes its time to let go of a network.
        self._ids = IdPlan.of_this_process()
        self._free = deque(range(MAX_SLOTS))

    @classmethod
    async def start(cls, *, directory: Path, endpoint_port: int, ready: int) -> "tuple[Slots, Facts]":
        """Start the warden; the facts say what this machine cannot give."""
        directory.mkdir(parents=True, exist_ok=True)
        slots = cls(directory=directory, endpoint_port=endpoint_port, ready=ready)
        slots._warden, hello = await slots._start_warden()
        slots._ready.fill()
        return slots, Facts(no_disk=hello["no_disk"], no_uplink=hello["no_uplink"])

    async def take(self) -> Slot:
        return await self._ready.take()

    async def disk(self, slot: Slot, size_mb: int) -> int:
        """A disk of another size than the one that the slot came with."""
        return await self._disk(slot.index, size_mb)

    async def socket_inside(self, slot: Slot) -> socket.socket:
        """A TCP socket, neither bound nor connected, in the slot's network."""
        (descriptor,) = await self._request({"op": "socket"}, (slot.network_namespace,))
        return socket.socket(fileno=descriptor)

    def give_back(self, slot: Slot) -> None:
        """The slot's sandbox is gone, and its descriptors closed: its number may be used again."""
        self._free.append(slot.index)

    async def close(self) -> None:
        await self._ready.close()
        if self._warden is not None:
            await self._warden.close()

    async def _make(self) -> Slot:
        with contextlib.ExitStack() as undo:
            index = self._free.popleft()
            undo.callback(self._free.append, index)
            disk = await self._disk(index, DEFAULT_DISK_MB)
            undo.callback(os.close, disk)
            request = {"op": "slot", "index": index, "ids": self._ids.of(index).map}
            user, net, runtime_api, endpoint = await self._request(request)
            undo.pop_all()
        return Slot(
            index=index,
            ids=self._ids.of(index),
            user_namespace=user,
            network_namespace=net,
            runtime_api=socket.socket(fileno=runtime_api),
            endpoint=socket.socket(fileno=endpoint),
            disk=disk,
        )

    async def _discard(self, slot: Slot) -> None:
        slot.close()
        self.give_back(slot)

    async def _disk(self, index: int, size_mb: int) -> int:
        message = {"op": "disk", "size_bytes": size_mb * MB, "uid": self._ids.of(index).outside_uid}
        (descriptor,) = await self._request(message)
        return descriptor

    async def _request(self, message: Message, given: tuple[int, ...] = ()) -> list[int]:
        """Ask the warden; once more if it dies over it, which leaves nothing behind."""
        try:
            _, descriptors = await (await self._running()).request(message, given)
        except PeerGoneError:
            _, descriptors = await (await self._running()).request(message, given)
        return descriptors

    async def _running(self) -> Peer:
        async with self._starting:
            if self._warden is None or not self._warden.alive:
                self._warden, _ = await self._start_warden()
            return self._warden

    async def _start_warden(self) -> tuple[Peer, Message]:
        module = [sys.executable, "-m", "stoker.sandbox.warden"]
        warden, hello = await Peer.start("warden", lambda fd: [*module, str(fd), *self._arguments, self._addresses])
        self._addresses = hello["addresses"]
        return warden, hello


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the warden could not have on this machine, with the reason; None where all is well."""

    no_disk: str | None
    no_uplink: str | None
