import errno
import os
import resource
import select
import signal
from pathlib import Path

import pytest
from linux_child import error_number, in_child

from stoker.linux import credentials, syscalls

pytestmark = pytest.mark.root


def status(name: str) -> str:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(line.partition(":")[2].strip() for line in lines if line.startswith(name + ":"))


def test_nothing_of_root_is_left_and_nothing_leads_back() -> None:
    def drop_and_look() -> tuple[object, ...]:
        credentials.drop(1001, 1002)
        sets = {status(name) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}
        back = error_number(lambda: os.setresuid(0, 0, 0)), error_number(lambda: os.setgid(0))
        return sets, os.getresuid(), os.getresgid(), os.getgroups(), status("NoNewPrivs"), back

    refused = (errno.EPERM, errno.EPERM)
    expected = ({"0" * 16}, (1001,) * 3, (1002,) * 3, [], "1", refused)
    assert in_child(drop_and_look) == expected


def test_uid_0_without_capabilities_is_nobody_special(tmp_path: Path) -> None:
    os.chown(tmp_path, 1001, 1001)
    tmp_path.chmod(0o700)

    def drop_and_look() -> tuple[object, ...]:
        credentials.drop(0, 0)
        os.system("true")
        return syscalls.capget(), error_number(lambda: os.listdir(tmp_path))

    assert in_child(drop_and_look) == ((0, 0, 0), errno.EACCES)


def test_a_process_can_read_its_own_environment_once_it_is_dumpable() -> None:
    def read_own() -> tuple[int, int]:
        credentials.drop(1001, 1001)
        before = error_number(Path("/proc/self/environ").read_bytes)
        credentials.set_dumpable()
        return before, error_number(Path("/proc/self/environ").read_bytes)

    assert in_child(read_own) == (errno.EACCES, 0)


def test_a_child_dies_with_its_parent() -> None:
    def leave_a_child() -> int:
        ready_read, ready_write = os.pipe()
        child = os.fork()
        if child == 0:
            credentials.drop(1001, 1001)
            credentials.set_parent_death_signal(signal.SIGKILL)
            os.write(ready_write, b"x")
            signal.pause()
        os.read(ready_read, 1)
        return child

    assert has_ended(in_child(leave_a_child))


def has_ended(pid: int) -> bool:
    """Whether the process is no more, or is no more within a minute."""
    try:
        fd = syscalls.pidfd_open(pid)
    except syscalls.SyscallError as error:
        return error.errno == errno.ESRCH
    try:
        return bool(select.select([fd], [], [], 60)[0])
    finally:
        os.close(fd)


def test_limits_are_hard() -> None:
    def limit() -> tuple[object, ...]:
        credentials.limit_resources()
        kinds = (resource.RLIMIT_NOFILE, resource.RLIMIT_CORE, resource.RLIMIT_MSGQUEUE, resource.RLIMIT_MEMLOCK)
        return tuple(resource.getrlimit(kind) for kind in kinds)

    assert in_child(limit) == ((1024, 1024), (0, 0), (0, 0), (65_536, 65_536))
