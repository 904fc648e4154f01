"""Blanks: forked processes in namespaces and cgroups of their own that wait to be told which function to be.

Forking, entering namespaces and above all joining a cgroup (the kernel may wait for a grace period of 10 ms) happen
ahead, so that a cold start is a handful of mounts and an import.
"""

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from stoker.bootstrap import messages
from stoker.bootstrap.rootfs import UID
from stoker.linux.cgroups import Cgroup
from stoker.sandbox.driver import ExitStatus, SandboxError
from stoker.sandbox.peer import Peer
from stoker.sandbox.slots import INIT_UID, Slot

HOSTNAME = "sandbox"


@dataclass(kw_only=True)
class Blank:
    """One waiting process 1 with its worker. `ended` is done with the exit status when process 1 is gone."""

    pid: int
    pidfd: int
    worker_pidfd: int
    control: socket.socket
    channel: socket.socket
    output: int
    slot: Slot
    cgroup: Cgroup
    ended: asyncio.Future[ExitStatus]
    _status: dict[str, Any] | None = field(default=None)

    def watch(self) -> None:
        """Follow it until process 1 ends; whatever it last said of its worker is the exit status."""
        asyncio.get_running_loop().add_reader(self.pidfd, self._on_end)

    def _on_end(self) -> None:
        asyncio.get_running_loop().remove_reader(self.pidfd)
        received = messages.receive(self.control)
        status = received[0] if received else {"signal": int(signal.SIGKILL)}
        if not self.ended.done():
            out_of_memory = self.cgroup.oom_kills() > 0
            self.ended.set_result(
                ExitStatus(code=status.get("code"), signal=status.get("signal"), out_of_memory=out_of_memory)
            )

    def order(self, message: dict[str, Any], mounts: dict[str, int]) -> None:
        """Say what to be: hang these detached mounts at their targets, then start as the message says."""
        messages.send(self.control, {**message, "mounts": list(mounts)}, tuple(mounts.values()))

    async def destroy(self) -> None:
        """Kill all of it and take its cgroup down. The slot's descriptors are closed, its number is the caller's."""
        # A frozen process takes no signal, not even this one, until it is thawed; it is pending by then.
        signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        self.cgroup.thaw()
        await asyncio.shield(self.ended)
        self.control.close()
        for descriptor in (self.pidfd, self.worker_pidfd):
            os.close(descriptor)
        self.slot.close()
        await asyncio.to_thread(self.cgroup.remove)


async def make(zygote: Peer, slot: Slot, create_cgroup: Callable[[str], Cgroup]) -> Blank:
    """Fork one from the zygote and bring it to where it waits; takes over the slot. Raises SandboxError."""
    control, their_control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    channel, their_channel = socket.socketpair()
    output, their_output = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(output, False)
    request = {"uid": UID, "init_uid": INIT_UID, "hostname": HOSTNAME}
    theirs = (their_control.fileno(), their_channel.fileno(), their_output)
    with their_control, their_channel:
        try:
            answer, (pidfd,) = await zygote.request(request, (*theirs, slot.network_namespace, slot.user_namespace))
        except BaseException:
            control.close()
            channel.close()
            os.close(output)
            slot.close()
            raise
        finally:
            os.close(their_output)
    cgroup = await asyncio.to_thread(_join, create_cgroup, f"{slot.index}-{answer['pid']}", answer["pid"])
    messages.send(control, {"enter": True})
    received = await _receive(control)
    if received is None:
        raise SandboxError(f"process 1 of a sandbox ended while it was prepared (pid {answer['pid']})")
    blank = Blank(
        pid=answer["pid"],
        pidfd=pidfd,
        worker_pidfd=received[1][0],
        control=control,
        channel=channel,
        output=output,
        slot=slot,
        cgroup=cgroup,
        ended=asyncio.get_running_loop().create_future(),
    )
    blank.watch()
    return blank


def _join(create_cgroup: Callable[[str], Cgroup], name: str, pid: int) -> Cgroup:
    cgroup = create_cgroup(name)
    cgroup.attach(pid)
    return cgroup


async def _receive(control: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(control, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(control)
    return messages.receive(control)
