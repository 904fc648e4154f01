"""Blanks: forked processes in namespaces and cgroups of their own that wait to be told which function to be.

Forking and entering namespaces and a cgroup happen ahead, so that a cold start is a handful of mounts and an import.
"""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stoker.bootstrap import memory_image, messages
from stoker.bootstrap.reaper import REPORT, WORKER
from stoker.linux import pidfds
from stoker.linux.cgroups import Cgroup
from stoker.sandbox.driver import ExitStatus, NotLaunched, SandboxError
from stoker.sandbox.peer import Peer, PeerGoneError
from stoker.sandbox.slots import Slot
from stoker.sandbox.snapshot import Snapshot

HOSTNAME = "sandbox"


class BlankGoneError(SandboxError):
    """The blank ended while it waited to be told what to be. Take another."""


@dataclass(kw_only=True)
class Blank:
    """One waiting process 1 with its worker.

    `ended` is done with the worker's exit status when process 1 is gone, `worker_ended` when the worker is: earlier
    where there are external extensions, whose ends are in `extensions` by their names.
    """

    pidfd: int
    control: socket.socket
    orders: socket.socket
    channel: socket.socket
    output: int
    slot: Slot
    cgroup: Cgroup
    ended: asyncio.Future[ExitStatus]
    worker_ended: asyncio.Future[ExitStatus] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    extensions: dict[str, asyncio.Future[ExitStatus | NotLaunched]] = field(default_factory=dict)
    # What they write, to be read.
    extension_output: int | None = None
    # The fork server that it came from: what has memory of another's is laid out otherwise.
    zygote: Peer
    pid: int = 0
    worker_pidfd: int | None = None
    mount_namespace: int | None = None
    # What process 1 said of its worker at the end, for where the kernel kept no other account.
    last_memory_bytes: int = 0
    # Extensions whose ends are still to come, by their pids in there, once these are known; and what ended before.
    _names: dict[int, str] | None = None
    _ends: dict[int, int] = field(default_factory=dict)

    def watch(self) -> None:
        """Follow it until process 1 ends; whatever it last said of its worker is the exit status."""
        asyncio.get_running_loop().add_reader(self.pidfd, self._on_end)

    def _on_end(self) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(self.pidfd)
        loop.remove_reader(self.control)
        # The fork server may still have the other end, which it passed on to a process that ended as soon as it began.
        with contextlib.suppress(BlockingIOError):
            while report := self.control.recv(REPORT.size):
                self._heard(report)
        if self.extensions and self._names is None:
            self._hear_of_extensions()
        killed = self._status(signal.SIGKILL)
        if not self.worker_ended.done():
            self.worker_ended.set_result(killed)
        for ended in self.extensions.values():
            if not ended.done():
                ended.set_result(killed)
        self.ended.set_result(self.worker_ended.result())

    def _hear(self) -> None:
        """Process 1, which lives on, has told of an end."""
        report = self.control.recv(REPORT.size)
        if report:
            self._heard(report)
        else:
            asyncio.get_running_loop().remove_reader(self.control)

    def _heard(self, report: bytes) -> None:
        if len(report) != REPORT.size:
            # It ended so early that nobody has heard yet that it was ready.
            return
        pid, status, *_, peak_kib = REPORT.unpack(report)
        self.last_memory_bytes = max(self.last_memory_bytes, peak_kib * 1024)
        if pid == WORKER:
            self.worker_ended.set_result(self._status(status))
        elif self._names is None:
            self._ends[pid] = status
        elif pid in self._names:
            self.extensions[self._names.pop(pid)].set_result(self._status(status))

    def _hear_of_extensions(self) -> None:
        """The worker has started them all, or has ended over it."""
        asyncio.get_running_loop().remove_reader(self.orders)
        told, _ = messages.receive(self.orders) or ({"extensions": {}, "refused": {}}, [])
        refused: dict[str, int] = told["refused"]
        for name, number in refused.items():
            self.extensions[name].set_result(NotLaunched(errno=number))
        self._names = {pid: name for name, pid in told["extensions"].items() if name not in refused}
        self.orders.close()
        for pid, status in self._ends.items():
            if pid in self._names:
                self.extensions[self._names.pop(pid)].set_result(self._status(status))

    def _status(self, status: int) -> ExitStatus:
        out_of_memory = self.cgroup.oom_kills() > 0
        if os.WIFSIGNALED(status):
            return ExitStatus(signal=os.WTERMSIG(status), out_of_memory=out_of_memory)
        return ExitStatus(code=os.WEXITSTATUS(status), out_of_memory=out_of_memory)

    async def become_ready(self) -> None:
        """Wait until it waits for its order; SandboxError when it ended instead."""
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        loop.add_reader(self.control, readable.set)
        try:
            await readable.wait()
        finally:
            loop.remove_reader(self.control)
        received = messages.receive(self.control)
        if received is None:
            raise SandboxError("process 1 of a sandbox ended while it was prepared")
        self.worker_pidfd, self.mount_namespace = received[1]
        try:
            self.pid = pidfds.pid_of(self.pidfd)
            if not self.cgroup.entrances():
                self.cgroup.attach(self.pid)
        except OSError as error:
            raise SandboxError(f"process 1 of a sandbox ended while it was prepared: {error}") from error

    def peak_memory(self) -> int:
        """Bytes at most, up to now or to the end."""
        return self.cgroup.peak_memory() or self.last_memory_bytes

    def cpu_s(self) -> float | None:
        """CPU seconds of its worker; None when that has ended."""
        try:
            return None if self.worker_pidfd is None else pidfds.cpu_s(self.worker_pidfd)
        except OSError:
            return None

    def start_ahead(self, message: dict[str, Any]) -> None:
        """Have the worker execute the program that its order will be for; `order` follows. Raises BlankGoneError."""
        try:
            messages.send(self.orders, {**message, "ahead": True})
        except ConnectionError as error:
            raise BlankGoneError from error

    @property
    def alive(self) -> bool:
        """Its worker is there, and so is process 1."""
        return not self.ended.done() and self.worker_pidfd is not None and not pidfds.has_ended(self.worker_pidfd)

    async def order(self, message: dict[str, Any], mounts: dict[str, int], descriptors: tuple[int, ...] = ()) -> None:
        """Say what to be: hang these detached mounts at their targets, then start as the message says.

        The worker gets the descriptors. Raises BlankGoneError, and SandboxError where a mount is refused.
        """
        await self._order(message, mounts, descriptors)
        self.orders.close()

    async def order_restored(self, mounts: dict[str, int], snapshot: Snapshot) -> None:
        """The same, to have this memory and wait; `go_on` follows."""
        # The snapshot may be let go meanwhile.
        descriptors = os.dup(snapshot.image), os.dup(snapshot.table)
        try:
            await self._order({"kind": "restored"}, mounts, descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def go_on(self, environment: Mapping[str, str], *, rehearsal: bool = False) -> None:
        """Let what was restored go on, with these variables, or only show what it writes to. Raises BlankGoneError."""
        try:
            self.orders.sendall(memory_image.encode({"environment": dict(environment), "rehearsal": rehearsal}))
        except ConnectionError as error:
            raise BlankGoneError from error
        self.orders.close()

    async def order_with_extensions(
        self, message: dict[str, Any], mounts: dict[str, int], names: Sequence[str]
    ) -> None:
        """The same, with external extensions of these names."""
        loop = asyncio.get_running_loop()
        self.extensions = {name: loop.create_future() for name in names}
        loop.add_reader(self.control, self._hear)
        loop.add_reader(self.orders, self._hear_of_extensions)
        self.extension_output, theirs = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self.extension_output, False)
        try:
            await self._order({**message, "extensions": list(names)}, mounts, (theirs,))
        finally:
            os.close(theirs)

    async def _order(self, message: dict[str, Any], mounts: dict[str, int], descriptors: tuple[int, ...]) -> None:
        assert self.mount_namespace is not None
        namespace, self.mount_namespace = self.mount_namespace, None
        try:
            await self.zygote.request({"mount": list(mounts)}, (namespace, *mounts.values()))
            messages.send(self.orders, message, descriptors)
        except (ConnectionError, PeerGoneError) as error:
            raise BlankGoneError from error
        finally:
            os.close(namespace)

    def signal_worker(self, number: signal.Signals) -> None:
        if self.worker_pidfd is not None and not self.worker_ended.done():
            _signal(self.worker_pidfd, number)

    async def destroy(self) -> None:
        """Kill all of it and take its cgroup down. The slot's descriptors are closed, its number is the caller's."""
        if not self.ended.done():
            # A frozen process takes no signal, not even this one, until it is thawed; it is pending by then.
            _signal(self.pidfd, signal.SIGKILL)
            self.cgroup.thaw()
            await asyncio.shield(self.ended)
        self.control.close()
        self.orders.close()
        for descriptor in (self.pidfd, self.worker_pidfd, self.mount_namespace):
            if descriptor is not None:
                os.close(descriptor)
        await asyncio.to_thread(self._take_down)

    def _take_down(self) -> None:
        # With its last descriptor the disk is unmounted, which takes 10 ms.
        self.slot.close()
        self.cgroup.remove()

    async def discard(self) -> None:
        """The same for one that became nobody's sandbox: its ends of channel and pipes go too."""
        self.channel.close()
        for descriptor in (self.output, self.extension_output):
            if descriptor is not None:
                os.close(descriptor)
        await self.destroy()


def _signal(pidfd: int, number: signal.Signals) -> None:
    """Signal a process that may have ended, and been reaped by the kernel, before the event loop was told."""
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, number)


async def make(zygote: Peer, slot: Slot, cgroup: Cgroup) -> Blank:
    """Fork one from the zygote and bring it to where it waits; takes over slot and cgroup. Raises SandboxError."""
    control, their_control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    orders, their_orders = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    channel, their_channel = socket.socketpair()
    output, their_output = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(output, False)
    entrances = [os.open(path, os.O_WRONLY | os.O_CLOEXEC) for path in cgroup.entrances()]
    theirs = (their_control.fileno(), their_orders.fileno(), their_channel.fileno(), their_output)
    ids = slot.ids
    request = {"uid": ids.uid, "init_uid": ids.init_uid, "keep_groups": ids.keep_groups, "hostname": HOSTNAME}
    try:
        with their_control, their_orders, their_channel:
            _, (pidfd,) = await zygote.request(
                request, (*theirs, slot.network_namespace, slot.user_namespace, *entrances)
            )
    except BaseException:
        for ours in (control, orders, channel):
            ours.close()
        os.close(output)
        slot.close()
        await asyncio.to_thread(cgroup.remove)
        raise
    finally:
        for descriptor in (their_output, *entrances):
            os.close(descriptor)
    blank = Blank(
        pidfd=pidfd,
        control=control,
        orders=orders,
        channel=channel,
        output=output,
        slot=slot,
        cgroup=cgroup,
        zygote=zygote,
        ended=asyncio.get_running_loop().create_future(),
    )
    blank.watch()
    try:
        await blank.become_ready()
    except BaseException:
        await blank.discard()
        raise
    return blank
