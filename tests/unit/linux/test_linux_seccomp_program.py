"""The filter as the kernel would run it, on both architectures, by a small interpreter of classic BPF."""

import errno
import struct

import pytest

from stoker.linux import seccomp, syscalls

ARCHITECTURES = (syscalls.X86_64, syscalls.AARCH64)
AUDIT = {syscalls.X86_64: 0xC000003E, syscalls.AARCH64: 0xC00000B7}
I386_AUDIT = 0x40000003
OPERATORS = {0x15: int.__eq__, 0x25: int.__gt__, 0x35: int.__ge__, 0x45: lambda a, b: bool(a & b)}


def run(program: bytes, audit: int, number: int, *arguments: int) -> int:
    """The filter's verdict on struct seccomp_data."""
    data = struct.pack("=IIQ6Q", number & 0xFFFFFFFF, audit, 0, *(*arguments, 0, 0, 0, 0, 0, 0)[:6])
    accumulator, position = 0, 0
    while True:
        code, if_true, if_false, value = struct.unpack_from("=HBBI", program, 8 * position)
        position += 1
        if code == 0x20:
            accumulator = struct.unpack_from("=I", data, value)[0]
        elif code == 0x06:
            return value
        elif code == 0x05:
            position += value
        else:
            position += if_true if OPERATORS[code](accumulator, value) else if_false


def verdict(architecture: str, name: str, *arguments: int) -> int:
    program = seccomp.compile_filter(architecture)
    return run(program, AUDIT[architecture], syscalls.number(name, architecture), *arguments)


def failing(error: int) -> int:
    return seccomp.RET_ERRNO | error


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("name", ["mount", "move_mount", "unshare", "setns", "ptrace", "bpf", "keyctl", "mbind"])
def test_what_leads_out_of_a_sandbox_is_not_permitted(architecture: str, name: str) -> None:
    assert verdict(architecture, name) == failing(errno.EPERM)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("name", ["clone3", "io_uring_setup", "io_setup"])
def test_what_libraries_can_do_without_looks_as_if_the_kernel_lacked_it(architecture: str, name: str) -> None:
    assert verdict(architecture, name) == failing(errno.ENOSYS)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_ordinary_calls_pass(architecture: str) -> None:
    assert verdict(architecture, "getppid") == seccomp.RET_ALLOW


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_pairs_of_sockets_are_of_the_one_family_that_stays_in_a_sandbox(architecture: str) -> None:
    assert verdict(architecture, "socketpair", 1, 1) == seccomp.RET_ALLOW
    for family in (2, 16, 30, 38, 40):
        assert verdict(architecture, "socketpair", family, 1) == failing(errno.EAFNOSUPPORT)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("flag", [0x20000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000])
def test_clone_makes_processes_and_threads_but_no_namespaces(architecture: str, flag: int) -> None:
    assert verdict(architecture, "clone", 0x3D0F00) == seccomp.RET_ALLOW
    assert verdict(architecture, "clone", 17) == seccomp.RET_ALLOW
    assert verdict(architecture, "clone", 17 | flag) == failing(errno.EPERM)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(
    ("family", "protocol", "expected"),
    [
        (1, 0, seccomp.RET_ALLOW),
        (2, 0, seccomp.RET_ALLOW),
        (10, 0, seccomp.RET_ALLOW),
        (16, 0, seccomp.RET_ALLOW),
        (16, 12, failing(errno.EAFNOSUPPORT)),
        (17, 0, failing(errno.EAFNOSUPPORT)),
        (38, 0, failing(errno.EAFNOSUPPORT)),
        (40, 0, failing(errno.EAFNOSUPPORT)),
    ],
)
def test_sockets_are_of_the_common_families_only(architecture: str, family: int, protocol: int, expected: int) -> None:
    assert verdict(architecture, "socket", family, 3, protocol) == expected


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_terminal_takes_window_sizes_but_no_typed_in_input(architecture: str) -> None:
    assert verdict(architecture, "ioctl", 0, 0x5413) == seccomp.RET_ALLOW
    assert verdict(architecture, "ioctl", 0, 0x5412) == failing(errno.EPERM)
    assert verdict(architecture, "ioctl", 0, 0x541C) == failing(errno.EPERM)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_files_and_fifos_can_be_made_and_devices_cannot(architecture: str) -> None:
    for allowed in (0o100600, 0o010600, 0o140600):
        assert verdict(architecture, "mknodat", 0, 0, allowed) == seccomp.RET_ALLOW
    for device in (0o020600, 0o060600):
        assert verdict(architecture, "mknodat", 0, 0, device) == failing(errno.EPERM)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_personality_may_be_asked_for_and_not_be_changed(architecture: str) -> None:
    assert verdict(architecture, "personality", 0xFFFFFFFF) == seccomp.RET_ALLOW
    assert verdict(architecture, "personality", 0) == seccomp.RET_ALLOW
    assert verdict(architecture, "personality", 0x0040000) == failing(errno.EPERM)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_calls_newer_than_the_table_do_not_exist(architecture: str) -> None:
    program = seccomp.compile_filter(architecture)
    assert run(program, AUDIT[architecture], syscalls.HIGHEST_KNOWN) == seccomp.RET_ALLOW
    assert run(program, AUDIT[architecture], syscalls.HIGHEST_KNOWN + 1) == failing(errno.ENOSYS)


def test_the_numbers_of_another_architecture_end_the_process() -> None:
    program = seccomp.compile_filter(syscalls.X86_64)
    assert run(program, I386_AUDIT, 20) == seccomp.RET_KILL_PROCESS
    assert run(program, AUDIT[syscalls.X86_64], 0x40000000 | 20) == seccomp.RET_KILL_PROCESS
    assert run(program, AUDIT[syscalls.X86_64], -1) == seccomp.RET_KILL_PROCESS


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_no_verdict_on_any_number_runs_off_the_program(architecture: str) -> None:
    program = seccomp.compile_filter(architecture)
    verdicts = {run(program, AUDIT[architecture], number) for number in range(syscalls.HIGHEST_KNOWN + 2)}
    assert verdicts == {seccomp.RET_ALLOW, failing(errno.EPERM), failing(errno.ENOSYS), failing(errno.EAFNOSUPPORT)}
