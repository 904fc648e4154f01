"""Descriptors that mean processes."""

import os
import select
import time
from pathlib import Path

_CPUCLOCK_SCHED = 2


class ProcessGoneError(OSError):
    """The process that a pidfd means has ended and was reaped."""


def pid_of(pidfd: int) -> int:
    """The pid by which this process knows the one that a pidfd means, whatever namespace the pidfd came from."""
    # The kernel translates it for the reader (pidfd_open(2), fdinfo); another namespace's number would mean another.
    for line in Path(f"/proc/self/fdinfo/{pidfd}").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "Pid" and int(value) > 0:
            return int(value)
    raise ProcessGoneError(f"pidfd {pidfd} of process {os.getpid()} means no living process")


def cpu_s(pidfd: int) -> float:
    """CPU seconds that the process and its threads have used; ProcessGoneError where it is reaped."""
    # The kernel's clock of another process (clock_getcpuclockid(3)): its id is made of the pid.
    return time.clock_gettime(~pid_of(pidfd) << 3 | _CPUCLOCK_SCHED)


def has_ended(pidfd: int) -> bool:
    """Whether the process that a pidfd means is over, reaped or not."""
    # poll: the kernel says that it is readable when that is so (pidfd_open(2)).
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(0))
