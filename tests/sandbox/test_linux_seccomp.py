"""The filter in force: what fails with which errno, and that ordinary programs notice nothing."""

import ctypes
import errno
import fcntl
import mmap
import multiprocessing
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from linux_child import ChildError, error_number, in_child

from stoker.linux import credentials, seccomp, syscalls

pytestmark = pytest.mark.root

NOT_PERMITTED = """
    mount umount2 pivot_root chroot open_tree open_tree_attr move_mount mount_setattr fsopen fsconfig fsmount fspick
    unshare setns ptrace process_vm_readv process_vm_writev kcmp pidfd_getfd bpf perf_event_open userfaultfd
    memfd_secret fanotify_init open_by_handle_at name_to_handle_at add_key keyctl request_key kexec_load
    kexec_file_load init_module finit_module delete_module reboot swapon swapoff settimeofday clock_settime
    clock_adjtime adjtimex quotactl quotactl_fd acct syslog vhangup sethostname setdomainname mbind set_mempolicy
    migrate_pages move_pages lookup_dcookie nfsservctl
"""


def filtered(function: Callable[[], Any]) -> Any:
    """In a child that is still root, so that it is the filter that refuses and not a lack of capabilities."""
    program = seccomp.compile_filter()

    def confine_and_run() -> Any:
        credentials.forbid_new_privileges()
        seccomp.install(program)
        return function()

    return in_child(confine_and_run)


def test_the_ways_out_are_shut_even_for_root() -> None:
    # Arguments that fail in the kernel with something else than EPERM, should a call reach it.
    bad = (-1, -1, -1, -1, -1, -1)
    calls = {name: partial(syscalls.call, name, *bad) for name in NOT_PERMITTED.split()}
    results = filtered(lambda: {name: error_number(call) for name, call in calls.items()})
    assert {name: error for name, error in results.items() if error != errno.EPERM} == {}


@pytest.mark.parametrize("name", ["clone3", "io_uring_setup", "io_uring_enter", "io_uring_register"])
def test_new_interfaces_look_as_if_they_were_not_there(name: str) -> None:
    assert filtered(lambda: error_number(lambda: syscalls.call(name, 0, 0))) == errno.ENOSYS


def test_odd_socket_families_are_unknown_and_common_ones_work() -> None:
    def try_families() -> list[int]:
        kinds = [(socket.AF_PACKET, 0), (socket.AF_VSOCK, 0), (socket.AF_ALG, 0), (socket.AF_NETLINK, 12)]
        kinds += [(socket.AF_UNIX, 0), (socket.AF_INET, 0), (socket.AF_INET6, 0), (socket.AF_NETLINK, 0)]
        return [error_number(partial(socket.socket, family, socket.SOCK_DGRAM, kind)) for family, kind in kinds]

    assert filtered(try_families) == [errno.EAFNOSUPPORT] * 4 + [0] * 4


def test_devices_are_not_made_and_fifos_are(tmp_path: Any) -> None:
    def make() -> tuple[int, int]:
        device = error_number(lambda: os.mknod(tmp_path / "null", 0o020600, os.makedev(1, 3)))
        return device, error_number(lambda: os.mkfifo(tmp_path / "fifo"))

    assert filtered(make) == (errno.EPERM, 0)


def test_nobody_types_into_the_terminal_that_one_was_started_from() -> None:
    def type_in() -> tuple[int, int]:
        _, terminal = pty.openpty()
        typed = error_number(lambda: fcntl.ioctl(terminal, 0x5412, b"x"))
        return typed, error_number(lambda: fcntl.ioctl(terminal, 0x5413, bytes(8)))

    assert filtered(type_in) == (errno.EPERM, 0)


@pytest.mark.skipif(syscalls.MACHINE != syscalls.X86_64, reason="only x86_64 has another table of numbers")
def test_numbers_of_the_x32_table_end_the_process() -> None:
    with pytest.raises(ChildError, match=f"ended with -{int(signal.SIGSYS)}"):
        filtered(lambda: ctypes.CDLL(None).syscall(0x40000000 | 39))


def test_threads_processes_and_pipes_work() -> None:
    def work() -> tuple[list[int], str, int]:
        seen: list[int] = []
        threads = [threading.Thread(target=seen.append, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        output = subprocess.run(
            [sys.executable, "-c", "print('fine')"], capture_output=True, text=True, check=True
        ).stdout
        here, there = multiprocessing.get_context("fork").Pipe()
        process = multiprocessing.get_context("fork").Process(target=there.send, args=(42,))
        process.start()
        number = here.recv()
        process.join()
        return sorted(seen), output.strip(), number

    assert filtered(work) == ([0, 1, 2, 3], "fine", 42)


def test_sockets_and_large_maps_work() -> None:
    def work() -> tuple[bytes, int]:
        server = socket.create_server(("127.0.0.1", 0))
        client = socket.create_connection(server.getsockname())
        server.accept()[0].sendall(b"hello")
        with mmap.mmap(-1, 64 << 20) as memory:
            memory.madvise(mmap.MADV_HUGEPAGE)
            memory[-1] = 7
            return client.recv(5), memory[-1]

    assert filtered(work) == (b"hello", 7)


def test_a_filter_cannot_be_installed_by_one_who_may_still_gain_privileges() -> None:
    def install() -> int:
        os.setresuid(1001, 1001, 1001)
        return error_number(lambda: seccomp.install(seccomp.compile_filter()))

    assert in_child(install) == errno.EACCES
