"""What is left of `cgroups.Cgroup` where no group can be made: processes found, stopped and measured one by one.

It limits nothing. What it says is read from the sandbox's own /proc, in which its processes are and no others.
"""

import contextlib
import os
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path

from stoker.linux.cgroup_files import CgroupError

_NS_PER_TICK = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
# Process 1 of a sandbox is the platform's: it goes on reaping while the others stand.
_PROCESS_1 = "1"
_STANDING = frozenset("TtZX")
# proc_pid_stat(5), counted from the state, which is the first behind the name: utime, stime, cutime, cstime.
_TIMES = slice(11, 15)


class NoHierarchy:
    """See `cgroups.Hierarchy`; there is none, so there is nothing to sweep or to remove."""

    version = 0

    def __repr__(self) -> str:
        return "<no cgroups>"

    def create(self, name: str) -> "ProcessGroup":
        return ProcessGroup(name)

    def sweep(self) -> list[str]:
        return []

    def close(self) -> None:
        """Nothing was made."""


class ProcessGroup:
    """See `cgroups.Cgroup`: a pid namespace in the place of a group. Until `attach` it has no process.

    A process is signalled through its directory in /proc, which means that very process even when its number is used
    again. Freezing is SIGSTOP and SIGCONT, which a program that watches its children may notice.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._proc: int | None = None

    def __repr__(self) -> str:
        return f"<processes of {self.name}{' removed' if self._proc is None else ''}>"

    def limit(self, *, memory_bytes: int, cpu_share: float, cpu_cores: float, pids_max: int) -> None:
        """Without effect: memory and CPU time are limited by nothing, processes by the RLIMIT_NPROC that they have."""

    def entrances(self) -> tuple[str, ...]:
        return ()

    def attach(self, pid: int) -> None:
        """Process 1 of a pid namespace that has mounted its /proc; all others of that namespace come with it."""
        path = Path(f"/proc/{pid}/root/proc")
        try:
            self._proc = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise CgroupError("open", path, error) from error

    def freeze(self) -> None:
        told: set[str] = set()
        # Until nobody new is there: one may have forked before it was told to stop.
        while fresh := self._function_s() - told:
            self._signal(fresh, signal.SIGSTOP)
            told |= fresh

    def thaw(self) -> None:
        self._signal(self._function_s(), signal.SIGCONT)

    def is_frozen(self) -> bool:
        return all(_state_and_rest(text)[0] in _STANDING for text in self._texts(self._function_s(), "stat"))

    def memory(self) -> int:
        return self._sum_of("VmRSS:")

    def peak_memory(self) -> int:
        """What each living process had in memory at its own peak, added up; 0 when none is left.

        Process 1 aside. Pages that processes share count in each of them, and those of ended children no more.
        """
        return self._sum_of("VmHWM:")

    def reset_peak(self) -> bool:
        return False

    def oom_kills(self) -> int:
        """0: there is no limit to hit, and when the machine's own memory runs out the kernel does not tell whom."""
        return 0

    def process_count(self) -> int:
        """Processes, without their threads."""
        return len(self._numbers())

    def cpu_usage_ns(self) -> int:
        """Of the living, and of the children that these have waited for."""
        stats = [_state_and_rest(text) for text in self._texts(self._numbers(), "stat")]
        return sum(int(ticks) for fields in stats for ticks in fields[_TIMES]) * _NS_PER_TICK

    def kill(self) -> None:
        # With process 1 the kernel ends every process of its namespace, also what is just being forked.
        self._signal([_PROCESS_1], signal.SIGKILL)

    def remove(self) -> None:
        if self._proc is not None:
            self.kill()
            os.close(self._proc)
            self._proc = None

    def _numbers(self) -> set[str]:
        return set() if self._proc is None else {name for name in os.listdir(self._proc) if name.isdigit()}

    def _function_s(self) -> set[str]:
        return self._numbers() - {_PROCESS_1}

    def _sum_of(self, field: str) -> int:
        return sum(_kib(text, field) for text in self._texts(self._function_s(), "status")) * 1024

    def _signal(self, numbers: Iterable[str], number: signal.Signals) -> None:
        for name in numbers:
            with _may_have_ended():
                process = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._proc)
                try:
                    signal.pidfd_send_signal(process, number)
                finally:
                    os.close(process)

    def _texts(self, numbers: Iterable[str], file: str) -> Iterator[str]:
        for name in numbers:
            with _may_have_ended():
                descriptor = os.open(f"{name}/{file}", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._proc)
                with os.fdopen(descriptor) as opened:
                    yield opened.read()


def _may_have_ended() -> contextlib.suppress:
    return contextlib.suppress(FileNotFoundError, ProcessLookupError)


def _state_and_rest(stat: str) -> list[str]:
    # The name before it stands in parentheses and may itself hold spaces and parentheses.
    return stat.rpartition(")")[2].split()


def _kib(status: str, name: str) -> int:
    """A field of proc_pid_status(5) in kB; 0 for a zombie, which has no memory left."""
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith(name)), 0)
