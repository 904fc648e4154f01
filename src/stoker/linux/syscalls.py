"""System calls by number, for the kernel interfaces that neither Python nor every libc wraps.

Read by CPython 3.9 and later. `call` is the only way in; every refusal is a `SyscallError`.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

# The numbers of x86_64 and of aarch64 (arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h);
# -1 where an architecture has no such call. From 424 on all architectures share one number.
X86_64, AARCH64 = "x86_64", "aarch64"
_TABLE = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "adjtimex": (159, 171),
    "bpf": (321, 280),
    "capget": (125, 90),
    "capset": (126, 91),
    "chroot": (161, 51),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "clone": (56, 220),
    "clone3": (435, 435),
    "close_range": (436, 436),
    "create_module": (174, -1),
    "delete_module": (176, 106),
    "fanotify_init": (300, 262),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "get_kernel_syms": (177, -1),
    "getppid": (110, 173),
    "init_module": (175, 105),
    "io_setup": (206, 0),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "ioctl": (16, 29),
    "ioperm": (173, -1),
    "iopl": (172, -1),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "listmount": (458, 458),
    "lookup_dcookie": (212, 18),
    "mbind": (237, 235),
    "memfd_secret": (447, 447),
    "migrate_pages": (256, 238),
    "mknod": (133, -1),
    "mknodat": (259, 33),
    "modify_ldt": (154, -1),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "move_pages": (279, 239),
    "name_to_handle_at": (303, 264),
    "nfsservctl": (180, 42),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "open_tree_attr": (467, 467),
    "perf_event_open": (298, 241),
    "personality": (135, 92),
    "pidfd_getfd": (438, 438),
    "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424),
    "pivot_root": (155, 41),
    "prctl": (157, 167),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "query_module": (178, -1),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "rt_sigaction": (13, 134),
    "seccomp": (317, 277),
    "set_mempolicy": (238, 237),
    "set_mempolicy_home_node": (450, 450),
    "setdomainname": (171, 162),
    "sethostname": (170, 161),
    "setns": (308, 268),
    "settimeofday": (164, 170),
    "socket": (41, 198),
    "socketpair": (53, 199),
    "statmount": (457, 457),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "uselib": (134, -1),
    "userfaultfd": (323, 282),
    "vhangup": (153, 58),
}
NAMES = frozenset(_TABLE)
# file_setattr, of Linux 6.17: the last number this table's author has looked at.
HIGHEST_KNOWN = 469

AT_FDCWD = -100
AT_EMPTY_PATH = 0x1000
_CAPABILITY_VERSION_3 = 0x20080522

MACHINE = os.uname().machine

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_libc.prctl.argtypes = (ctypes.c_int, *[ctypes.c_ulong] * 4)


class SyscallError(OSError):
    """The kernel refused a system call; says which, with what (a path, pid or fd), and the errno in words."""

    def __init__(self, call: str, error: int, subject: object = "") -> None:
        super().__init__(error, os.strerror(error))
        self.call = call
        self.subject = subject

    def __str__(self) -> str:
        name = errno.errorcode.get(self.errno or 0, self.errno)
        return f"{self.call}({self.subject}): {self.strerror} ({name})"


def number(name: str, architecture: str) -> int:
    """A call's number on an architecture, -1 where there is none. KeyError for a name that isn't in the table."""
    x86_64, aarch64 = _TABLE[name]
    if architecture == X86_64:
        return x86_64
    if architecture == AARCH64:
        return aarch64
    raise SyscallError(name, errno.ENOSYS, "no system call numbers for " + architecture)


def call(name: str, *args: object, subject: object = "") -> int:
    """Make a system call; `subject` is what its error will name. Arguments: int, bytes, None or a ctypes buffer."""
    result: int = _libc.syscall(ctypes.c_long(number(name, MACHINE)), *[_register(argument) for argument in args])
    if result < 0:
        raise SyscallError(name, ctypes.get_errno(), subject)
    return result


def _register(argument: object) -> object:
    # syscall(2) is variadic: ctypes would pass a plain int in 32 bits and leave the register's upper half to chance.
    if argument is None:
        return ctypes.c_void_p(None)
    if isinstance(argument, int):
        return ctypes.c_ulong(argument)
    return argument


def unshare(flags: int) -> None:
    """Leave shared namespaces (CLONE_NEW*) for fresh ones."""
    call("unshare", flags, subject=hex(flags))


def setns(fd: int, flags: int) -> None:
    """Enter the namespace that `fd` stands for."""
    call("setns", fd, flags, subject=f"fd {fd}")


def mount(source: bytes, target: bytes, kind: bytes, flags: int, data: bytes = b"") -> None:
    """The classic mount(2)."""
    call("mount", source, target, kind, flags, data, subject=os.fsdecode(target))


def umount2(target: bytes, flags: int) -> None:
    """Unmount what is at `target`."""
    call("umount2", target, flags, subject=os.fsdecode(target))


def pivot_root(new_root: bytes, put_old: bytes) -> None:
    """Make `new_root` this mount namespace's root and hang the old one at `put_old`."""
    call("pivot_root", new_root, put_old, subject=os.fsdecode(new_root))


def open_tree(directory_fd: int, path: bytes, flags: int) -> int:
    """A file descriptor for a mount, or for a detached clone of one."""
    return call("open_tree", directory_fd, path, flags, subject=os.fsdecode(path) or f"fd {directory_fd}")


def move_mount(fd: int, target: bytes, flags: int) -> None:
    """Hang the detached mount `fd` at `target`."""
    call("move_mount", fd, b"", AT_FDCWD, target, flags, subject=os.fsdecode(target))


def mount_setattr(directory_fd: int, path: bytes, flags: int, set_: int, clear: int = 0, propagation: int = 0) -> None:
    """Change a mount's attributes (MOUNT_ATTR_*) and propagation (MS_PRIVATE and such)."""
    attributes = struct.pack("=QQQQ", set_, clear, propagation, 0)
    subject = os.fsdecode(path) or f"fd {directory_fd}"
    call("mount_setattr", directory_fd, path, flags, attributes, len(attributes), subject=subject)


def fsopen(kind: bytes, flags: int) -> int:
    """A context in which a filesystem of this kind is configured."""
    return call("fsopen", kind, flags, subject=os.fsdecode(kind))


def fsconfig(fd: int, command: int, key: bytes | None = None, value: bytes | None = None) -> None:
    """Configure or create the filesystem of the context `fd` (FSCONFIG_*)."""
    call("fsconfig", fd, command, key, value, 0, subject=os.fsdecode(key or b"create"))


def fsmount(fd: int, flags: int, attributes: int) -> int:
    """A detached mount of the filesystem that the context `fd` created."""
    return call("fsmount", fd, flags, attributes, subject=f"fd {fd}")


def capget(pid: int = 0) -> tuple[int, int, int]:
    """A process's (effective, permitted, inheritable) capabilities as bit sets."""
    data = ctypes.create_string_buffer(24)
    call("capget", struct.pack("=Ii", _CAPABILITY_VERSION_3, pid), data, subject=f"pid {pid}")
    low, high = struct.unpack("=III", data.raw[:12]), struct.unpack("=III", data.raw[12:24])
    return low[0] | high[0] << 32, low[1] | high[1] << 32, low[2] | high[2] << 32


def capset(effective: int, permitted: int, inheritable: int) -> None:
    """Give the calling thread these capabilities; it can only lose permitted ones."""
    sets = (effective, permitted, inheritable)
    low, high = [value & 0xFFFFFFFF for value in sets], [value >> 32 for value in sets]
    call("capset", struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), struct.pack("=6I", *low, *high), subject="self")


def prctl(option: int, *args: int) -> int:
    """An operation on the calling thread or process (PR_*); missing arguments are zero, as newer options demand."""
    # Not by way of `call`, which costs ten times as much: every sandbox makes a hundred of these.
    result: int = _libc.prctl(option, *(*args, 0, 0, 0, 0)[:4])
    if result < 0:
        raise SyscallError("prctl", ctypes.get_errno(), f"option {option}")
    return result


def seccomp(operation: int, flags: int, argument: object) -> int:
    """Install or ask about system call filters."""
    return call("seccomp", operation, flags, argument, subject=f"operation {operation}")


def sethostname(name: bytes) -> None:
    """Name the calling thread's UTS namespace."""
    call("sethostname", name, len(name), subject=os.fsdecode(name))


def close_range(first: int, last: int, flags: int = 0) -> None:
    """Close the file descriptors `first` to `last`, both included."""
    call("close_range", first, last, flags, subject=f"{first}..{last}")


def pidfd_open(pid: int) -> int:
    """A file descriptor that means this very process, even after its pid is used again; readable when it has ended."""
    return call("pidfd_open", pid, 0, subject=f"pid {pid}")


def pidfd_send_signal(fd: int, signal: int) -> None:
    """Signal the process that a pidfd means."""
    call("pidfd_send_signal", fd, signal, None, 0, subject=f"pidfd {fd}")
