"""Which system calls a confined process may make: a policy as data, compiled to classic BPF.

Read by CPython 3.9 and later. The policy denies what no ordinary program needs and what has been the way out of a
container before; capabilities, namespaces and ids are the first wall, this is the second. Denied calls fail with EPERM,
those that libraries probe for with ENOSYS, so that they fall back. A call whose verdict doesn't depend on its
arguments costs nothing when it is allowed: the kernel (5.11 and later) asks the filter once per number and keeps a
bitmap.
"""

from __future__ import annotations

import ctypes
import errno
import struct

from stoker.linux import syscalls

SECCOMP_SET_MODE_FILTER = 1
RET_ALLOW = 0x7FFF0000
RET_ERRNO = 0x00050000
RET_KILL_PROCESS = 0x80000000

_AUDIT_ARCH = {syscalls.X86_64: 0xC000003E, syscalls.AARCH64: 0xC00000B7}
_X32_BIT = 0x40000000

# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
_NEW_NAMESPACE_FLAGS = 0x7E020000
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_PERSONALITIES = (0, 0xFFFFFFFF)
# The bit that S_IFCHR and S_IFBLK have and S_IFREG, S_IFIFO and S_IFSOCK have not.
_DEVICE_BIT = 0x2000
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16
_NETLINK_ROUTE = 0

# Asked for by libraries that know how to do without: they look for ENOSYS.
_MISSING = (
    "clone3",  # its flags lie in memory, where a filter cannot look; libc then uses clone
    "io_setup",  # contexts are counted for the whole machine (fs.aio-max-nr): one call takes them from everybody
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "listmount",
    "statmount",
)
_FORBIDDEN = (
    # Mounts and roots: the walls themselves.
    "mount",
    "umount2",
    "pivot_root",
    "chroot",
    "open_tree",
    "open_tree_attr",
    "move_mount",
    "mount_setattr",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    # Namespaces: a process that makes its own user namespace is root over much kernel code.
    "unshare",
    "setns",
    # Other processes' memory and descriptors.
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "kcmp",
    "pidfd_getfd",
    # Large kernel interfaces with a history.
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "memfd_secret",
    "fanotify_init",
    "lookup_dcookie",
    "modify_ldt",
    "nfsservctl",
    "uselib",
    # Files by handle reach beyond the root.
    "open_by_handle_at",
    "name_to_handle_at",
    # Keys are not namespaced.
    "add_key",
    "keyctl",
    "request_key",
    # The machine: kernel, modules, time, devices, swap, quotas, names, log.
    "kexec_load",
    "kexec_file_load",
    "init_module",
    "finit_module",
    "delete_module",
    "create_module",
    "query_module",
    "get_kernel_syms",
    "reboot",
    "swapon",
    "swapoff",
    "settimeofday",
    "clock_settime",
    "clock_adjtime",
    "adjtimex",
    "iopl",
    "ioperm",
    "quotactl",
    "quotactl_fd",
    "acct",
    "syslog",
    "vhangup",
    "sethostname",
    "setdomainname",
    # Where memory lies concerns the whole machine.
    "mbind",
    "set_mempolicy",
    "set_mempolicy_home_node",
    "migrate_pages",
    "move_pages",
)

_LOAD, _RETURN = 0x20, 0x06
_JUMP, _JUMP_EQUAL, _JUMP_GREATER, _JUMP_AT_LEAST, _JUMP_SET = 0x05, 0x15, 0x25, 0x35, 0x45
_NUMBER_OFFSET, _ARCHITECTURE_OFFSET, _ARGUMENTS_OFFSET = 0, 4, 16
_EPERM = RET_ERRNO | errno.EPERM
_ENOSYS = RET_ERRNO | errno.ENOSYS
_EAFNOSUPPORT = RET_ERRNO | errno.EAFNOSUPPORT


def compile_filter(architecture: str = syscalls.MACHINE) -> bytes:
    """The policy as an array of struct sock_filter for an architecture."""
    program = [*_only_known_numbers(architecture)]
    # Calls with an argument to look at come first: they are the ones for which the program really runs.
    for name, body in _ARGUMENT_CHECKS:
        number = syscalls.number(name, architecture)
        if number >= 0:
            program += [(_JUMP_EQUAL, number, 0, len(body)), *body]
    program += _deny(_MISSING, architecture, _ENOSYS)
    program += _deny(_FORBIDDEN, architecture, _EPERM)
    program.append(_return(RET_ALLOW))
    return b"".join(
        struct.pack("=HBBI", operation, if_true, if_false, value) for operation, value, if_true, if_false in program
    )


def install(program: bytes) -> None:
    """Filter the calling thread's system calls, and those of all it forks, for good. Needs no_new_privs."""
    instructions = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("@HP", len(program) // 8, ctypes.addressof(instructions))
    # seccomp: capabilities say nothing about the many calls that the kernel grants to anybody.
    syscalls.seccomp(SECCOMP_SET_MODE_FILTER, 0, head)


def _return(action: int) -> tuple[int, int, int, int]:
    return (_RETURN, action, 0, 0)


def _load_argument(position: int) -> tuple[int, int, int, int]:
    # The low half: every value looked at has 32 bits for the kernel too. Both architectures are little-endian.
    return (_LOAD, _ARGUMENTS_OFFSET + 8 * position, 0, 0)


def _only_known_numbers(architecture: str) -> list[tuple[int, int, int, int]]:
    """Kill what speaks another ABI (32-bit or x32 numbers mean other calls); calls newer than the table don't exist."""
    checks = [
        (_LOAD, _ARCHITECTURE_OFFSET, 0, 0),
        (_JUMP_EQUAL, _AUDIT_ARCH[architecture], 1, 0),
        _return(RET_KILL_PROCESS),
        (_LOAD, _NUMBER_OFFSET, 0, 0),
    ]
    if architecture == syscalls.X86_64:
        checks += [(_JUMP_AT_LEAST, _X32_BIT, 0, 1), _return(RET_KILL_PROCESS)]
    return [*checks, (_JUMP_GREATER, syscalls.HIGHEST_KNOWN, 0, 1), _return(_ENOSYS)]


def _deny(names: tuple[str, ...], architecture: str, action: int) -> list[tuple[int, int, int, int]]:
    """A ladder of tests that all jump to the one return at its foot."""
    numbers = [number for number in (syscalls.number(name, architecture) for name in names) if number >= 0]
    ladder = [(_JUMP_EQUAL, number, len(numbers) - rung, 0) for rung, number in enumerate(numbers)]
    return [*ladder, (_JUMP, 1, 0, 0), _return(action)]


# What is allowed of the calls that cannot be denied as a whole; each body ends in a return on every path.
_ARGUMENT_CHECKS = (
    (
        "ioctl",  # TIOCSTI types into the terminal that one was started from
        (
            _load_argument(1),
            (_JUMP_EQUAL, _TIOCSTI, 2, 0),
            (_JUMP_EQUAL, _TIOCLINUX, 1, 0),
            _return(RET_ALLOW),
            _return(_EPERM),
        ),
    ),
    (
        "socket",  # other families are seldom used kernel code that a plain user can have loaded
        (
            _load_argument(0),
            (_JUMP_EQUAL, _AF_UNIX, 5, 0),
            (_JUMP_EQUAL, _AF_INET, 4, 0),
            (_JUMP_EQUAL, _AF_INET6, 3, 0),
            (_JUMP_EQUAL, _AF_NETLINK, 0, 3),
            _load_argument(2),  # getaddrinfo and getifaddrs ask NETLINK_ROUTE for addresses
            (_JUMP_EQUAL, _NETLINK_ROUTE, 0, 1),
            _return(RET_ALLOW),
            _return(_EAFNOSUPPORT),
        ),
    ),
    (
        "socketpair",  # creates two of any family before it asks whether that has pairs
        (
            _load_argument(0),
            (_JUMP_EQUAL, _AF_UNIX, 0, 1),
            _return(RET_ALLOW),
            _return(_EAFNOSUPPORT),
        ),
    ),
    ("clone", (_load_argument(0), (_JUMP_SET, _NEW_NAMESPACE_FLAGS, 1, 0), _return(RET_ALLOW), _return(_EPERM))),
    (
        "personality",  # others switch off address randomisation or emulate old bugs
        (
            _load_argument(0),
            *[(_JUMP_EQUAL, persona, len(_PERSONALITIES) - rung, 0) for rung, persona in enumerate(_PERSONALITIES)],
            _return(_EPERM),
            _return(RET_ALLOW),
        ),
    ),
    ("mknod", (_load_argument(1), (_JUMP_SET, _DEVICE_BIT, 1, 0), _return(RET_ALLOW), _return(_EPERM))),
    ("mknodat", (_load_argument(2), (_JUMP_SET, _DEVICE_BIT, 1, 0), _return(RET_ALLOW), _return(_EPERM))),
)
