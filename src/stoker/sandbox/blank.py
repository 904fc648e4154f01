"""Blanks: forked processes in namespaces and cgroups of their own that wait to be told which function to be.

Forking and entering namespaces and a cgroup happen ahead, so that a cold start is a handful of mounts and an import.
"""

import asyncio
import contextlib
import os
import signal
import socket
from dataclasses import dataclass
from typing import Any

from stoker.bootstrap import messages
from stoker.linux import pidfds
from stoker.linux.cgroups import Cgroup
from stoker.sandbox.driver import ExitStatus, SandboxError
from stoker.sandbox.peer import Peer
from stoker.sandbox.slots import Slot

HOSTNAME = "sandbox"


class BlankGoneError(SandboxError):
    """The blank ended while it waited to be told what to be. Take another."""


@dataclass(kw_only=True)
class Blank:
    """One waiting process 1 with its worker. `ended` is done with the exit status when process 1 is gone."""

    pidfd: int
    control: socket.socket
    channel: socket.socket
    output: int
    slot: Slot
    cgroup: Cgroup
    ended: asyncio.Future[ExitStatus]
    # The fork server that it came from: what has memory of another's is laid out otherwise.
    zygote: Peer | None = None
    pid: int = 0
    worker_pidfd: int | None = None
    # What process 1 said of its worker at the end, for where the kernel kept no other account.
    last_memory_bytes: int = 0

    def watch(self) -> None:
        """Follow it until process 1 ends; whatever it last said of its worker is the exit status."""
        asyncio.get_running_loop().add_reader(self.pidfd, self._on_end)

    def _on_end(self) -> None:
        asyncio.get_running_loop().remove_reader(self.pidfd)
        status: dict[str, Any] = {"signal": int(signal.SIGKILL)}
        while received := messages.receive(self.control):
            status = received[0] if "ready" not in received[0] else status
        self.last_memory_bytes = status.get("max_memory_bytes", 0)
        out_of_memory = self.cgroup.oom_kills() > 0
        self.ended.set_result(
            ExitStatus(code=status.get("code"), signal=status.get("signal"), out_of_memory=out_of_memory)
        )

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
        (self.worker_pidfd,) = received[1]
        try:
            self.pid = pidfds.pid_of(self.pidfd)
            if not self.cgroup.entrances():
                self.cgroup.attach(self.pid)
        except OSError as error:
            raise SandboxError(f"process 1 of a sandbox ended while it was prepared: {error}") from error

    def peak_memory(self) -> int:
        """Bytes at most, up to now or to the end."""
        return self.cgroup.peak_memory() or self.last_memory_bytes

    def order(self, message: dict[str, Any], mounts: dict[str, int], descriptors: tuple[int, ...] = ()) -> None:
        """Say what to be: hang these detached mounts at their targets, then start as the message says.

        The worker gets the descriptors. Raises BlankGoneError.
        """
        try:
            messages.send(self.control, {**message, "mounts": list(mounts)}, (*mounts.values(), *descriptors))
        except ConnectionError as error:
            raise BlankGoneError from error

    def signal_worker(self, number: signal.Signals) -> None:
        if self.worker_pidfd is not None and not self.ended.done():
            _signal(self.worker_pidfd, number)

    async def destroy(self) -> None:
        """Kill all of it and take its cgroup down. The slot's descriptors are closed, its number is the caller's."""
        if not self.ended.done():
            # A frozen process takes no signal, not even this one, until it is thawed; it is pending by then.
            _signal(self.pidfd, signal.SIGKILL)
            self.cgroup.thaw()
            await asyncio.shield(self.ended)
        self.control.close()
        for descriptor in (self.pidfd, self.worker_pidfd):
            if descriptor is not None:
                os.close(descriptor)
        self.slot.close()
        await asyncio.to_thread(self.cgroup.remove)


def _signal(pidfd: int, number: signal.Signals) -> None:
    """Signal a process that may have ended, and been reaped by the kernel, before the event loop was told."""
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, number)


async def make(zygote: Peer, slot: Slot, cgroup: Cgroup) -> Blank:
    """Fork one from the zygote and bring it to where it waits; takes over slot and cgroup. Raises SandboxError."""
    control, their_control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    channel, their_channel = socket.socketpair()
    output, their_output = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(output, False)
    entrances = [os.open(path, os.O_WRONLY | os.O_CLOEXEC) for path in cgroup.entrances()]
    theirs = (their_control.fileno(), their_channel.fileno(), their_output)
    ids = slot.ids
    request = {"uid": ids.uid, "init_uid": ids.init_uid, "keep_groups": ids.keep_groups, "hostname": HOSTNAME}
    try:
        with their_control, their_channel:
            _, (pidfd,) = await zygote.request(
                request, (*theirs, slot.network_namespace, slot.user_namespace, *entrances)
            )
    except BaseException:
        control.close()
        channel.close()
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
        channel.close()
        os.close(output)
        await blank.destroy()
        raise
    return blank
