import errno
import os
import re
from pathlib import Path

import pytest

from stoker.linux import syscalls
from stoker.linux.syscalls import SyscallError

HEADERS = {
    syscalls.X86_64: Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    syscalls.AARCH64: Path("/usr/include/asm-generic/unistd.h"),
}


def test_a_refusal_says_which_call_with_what_and_why() -> None:
    with pytest.raises(SyscallError) as caught:
        syscalls.open_tree(syscalls.AT_FDCWD, b"/no/such/place", 0)
    assert caught.value.errno == errno.ENOENT
    assert str(caught.value) == "open_tree(/no/such/place): No such file or directory (ENOENT)"


def test_a_machine_without_a_table_is_named() -> None:
    with pytest.raises(SyscallError, match="riscv64"):
        syscalls.number("mount", "riscv64")


@pytest.mark.parametrize("architecture", HEADERS)
def test_the_numbers_are_those_of_the_kernel_s_headers(architecture: str) -> None:
    header = HEADERS[architecture]
    if not header.exists():
        pytest.skip(f"{header} is not installed")
    known = {name: int(number) for name, number in re.findall(r"#define __NR_(\w+)\s+(\d+)", header.read_text())}
    wrong = {
        name: (syscalls.number(name, architecture), known[name])
        for name in syscalls.NAMES
        if name in known and known[name] != syscalls.number(name, architecture)
    }
    assert wrong == {}
    assert len(known.keys() & syscalls.NAMES) > 70


def test_a_process_is_reached_by_a_descriptor_that_means_it_alone() -> None:
    fd = syscalls.pidfd_open(os.getpid())
    try:
        syscalls.pidfd_send_signal(fd, 0)
    finally:
        syscalls.close_range(fd, fd)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)
