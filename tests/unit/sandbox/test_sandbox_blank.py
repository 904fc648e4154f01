"""A blank whose processes end by themselves while it is being taken down."""

import asyncio
import os
import signal
import socket
from typing import Any

import pytest

from stoker.sandbox.blank import Blank


class FakeCgroup:
    """Remembers that it was removed."""

    removed = False

    def thaw(self) -> None: ...

    def oom_kills(self) -> int:
        return 0

    def remove(self) -> None:
        self.removed = True


class FakeSlot:
    closed = False

    def close(self) -> None:
        self.closed = True


def pidfd_of_a_process_that_was_reaped() -> int:
    pid = os.fork()
    if pid == 0:
        signal.pause()
        os._exit(0)
    pidfd = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return pidfd


@pytest.mark.parametrize("is_open", [False, True], ids=["alone", "while its fork server has its socket too"])
def test_a_process_that_ended_just_before_it_was_told_to_is_taken_down_like_any_other(*, is_open: bool) -> None:
    async def take_down() -> tuple[Any, Any]:
        control, other_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        control.setblocking(False)
        if not is_open:
            other_end.close()
        slot: Any = FakeSlot()
        cgroup: Any = FakeCgroup()
        zygote: Any = None
        blank = Blank(
            pidfd=pidfd_of_a_process_that_was_reaped(),
            worker_pidfd=pidfd_of_a_process_that_was_reaped(),
            control=control,
            orders=control,
            channel=control,
            zygote=zygote,
            output=-1,
            slot=slot,
            cgroup=cgroup,
            ended=asyncio.get_running_loop().create_future(),
        )
        blank.watch()
        # The event loop has not been told yet.
        blank.signal_worker(signal.SIGTERM)
        await asyncio.wait_for(blank.destroy(), 20)
        other_end.close()
        return slot.closed, cgroup.removed

    assert asyncio.run(take_down()) == (True, True)
