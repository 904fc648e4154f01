"""Namespaces as file descriptors: made, entered and left.

Read by CPython 3.9 and later. Network, UTS and IPC namespaces belong to a thread, so a multi-threaded caller may make
and enter them too, as long as it does nothing else on that thread meanwhile. User and mount namespaces can only be
entered by a process with one thread.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator

from stoker.linux import syscalls

CLONE_NEWTIME = 0x00000080
CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

_PR_SET_DUMPABLE = 4
_FILES = {
    CLONE_NEWNS: "mnt",
    CLONE_NEWCGROUP: "cgroup",
    CLONE_NEWUTS: "uts",
    CLONE_NEWIPC: "ipc",
    CLONE_NEWUSER: "user",
    CLONE_NEWPID: "pid",
    CLONE_NEWNET: "net",
}


class UserNamespaceError(OSError):
    """A user namespace could not be made: the kernel forbids it (user.max_user_namespaces, an LSM) or this user may not
    map those ids."""


def unshare(flags: int) -> None:
    """Go on in fresh namespaces of these kinds; CLONE_NEWPID holds for children only."""
    # unshare: a forked child leaves its parent's namespaces by itself; Python cannot pass flags to clone.
    syscalls.unshare(flags)


def setns(fd: int, kind: int) -> None:
    """Go on in the namespace `fd`, which must be of `kind`."""
    # setns: namespaces that were prepared beforehand are entered, not made.
    syscalls.setns(fd, kind)


def current(kind: int) -> int:
    """A file descriptor of the calling thread's namespace of this kind."""
    return os.open("/proc/thread-self/ns/" + _FILES[kind], os.O_RDONLY | os.O_CLOEXEC)


def is_own(kind: int) -> bool:
    """Whether this process has rights over the namespace of this kind that it is in, so that it may leave and come
    back. One that only is root in a user namespace has none over those that it brought along."""
    fd = current(kind)
    try:
        # setns to where one is changes nothing, but asks the kernel what a return would ask.
        setns(fd, kind)
    except syscalls.SyscallError as error:
        if error.errno != errno.EPERM:
            raise
        return False
    finally:
        os.close(fd)
    return True


def set_hostname(name: str) -> None:
    """Name the machine within the calling thread's UTS namespace."""
    # sethostname works on the UTS namespace, hence the host keeps its name.
    syscalls.sethostname(os.fsencode(name))


@contextlib.contextmanager
def entered(fd: int, kind: int) -> Iterator[None]:
    """Go into the namespace `fd` for the length of a `with` block, and back; the block must not yield the thread."""
    home = current(kind)
    try:
        setns(fd, kind)
        try:
            yield
        finally:
            setns(home, kind)
    finally:
        os.close(home)


def create_network_namespace() -> int:
    """A new network namespace with nothing but a loopback that is down, as a file descriptor. Gone when that is closed
    and no process is in it."""
    home = current(CLONE_NEWNET)
    try:
        unshare(CLONE_NEWNET)
        try:
            return current(CLONE_NEWNET)
        finally:
            setns(home, CLONE_NEWNET)
    finally:
        os.close(home)


def write_id_maps(pid: int, uid_lines: list[tuple[int, int, int]], gid_lines: list[tuple[int, int, int]]) -> None:
    """Say which ids outside the ids in `pid`'s user namespace are: lines of (inside, outside, count).

    Allowed once per namespace. Without privileges only one's own id can be mapped.
    """
    if os.geteuid() != 0:
        # The kernel lets an unprivileged process map its group only once it can no longer drop groups, since a group
        # may be what denies it a file.
        _write(f"/proc/{pid}/setgroups", b"deny")
    _write(f"/proc/{pid}/uid_map", _map_text(uid_lines))
    _write(f"/proc/{pid}/gid_map", _map_text(gid_lines))


def create_user_namespace(
    uid_lines: list[tuple[int, int, int]], gid_lines: list[tuple[int, int, int]] | None = None, owner: int | None = None
) -> int:
    """A user namespace with these id maps (gids as uids where not given), as a file descriptor.

    `owner` is the uid that it belongs to, the caller's if not said; another's takes CAP_SETUID. What users of the
    namespace take of things that the kernel limits by user (inotify instances, queued signals, locked memory) counts
    for its owner as well: were that root, one namespace could leave nothing to root's own services and to all others.

    Forks a short-lived child, as a namespace's maps can only be written from outside it, by its parent. The child
    allocates little and exits at once, so that a multi-threaded caller may do it too.
    """
    ready_read, ready_write = os.pipe()
    done_read, done_write = os.pipe()
    child = os.fork()
    if child == 0:
        _hold_user_namespace(ready_write, done_read, (ready_read, done_write), owner)
    os.close(ready_write)
    os.close(done_read)
    try:
        failure = os.read(ready_read, 4)
        if failure != b"ok":
            error = int(failure or b"0")
            raise UserNamespaceError(error, "unshare(CLONE_NEWUSER): " + os.strerror(error))
        write_id_maps(child, uid_lines, uid_lines if gid_lines is None else gid_lines)
        return os.open(f"/proc/{child}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(ready_read)
        os.close(done_write)
        os.waitpid(child, 0)


def _hold_user_namespace(ready: int, done: int, unused: tuple[int, ...], owner: int | None) -> None:
    try:
        for fd in unused:
            os.close(fd)
        if owner is not None and owner != os.geteuid():
            _act_as(owner)
        # Any user may make a user namespace; it is what gives the other kinds to one who is not root.
        syscalls.unshare(CLONE_NEWUSER)
        os.write(ready, b"ok")
        os.read(done, 1)
    except OSError as error:
        os.write(ready, str(error.errno).encode())
    finally:
        os._exit(0)


def _act_as(uid: int) -> None:
    """Be `uid` with all capabilities that this process has."""
    _, permitted, inheritable = syscalls.capget()
    os.seteuid(uid)
    # capset: a change from root to another user takes the effective capabilities away, and some distributions let only
    # who has them make user namespaces.
    syscalls.capset(permitted, permitted, inheritable)
    # The change also makes the files of /proc/self root's alone: of the machine's root, who may be somebody else.
    syscalls.prctl(_PR_SET_DUMPABLE, 1)


def _map_text(lines: list[tuple[int, int, int]]) -> bytes:
    return "".join("{} {} {}\n".format(*line) for line in lines).encode()


def _write(path: str, text: bytes) -> None:
    # One write: the kernel takes a map whole or not at all.
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text)
    except OSError as error:
        raise UserNamespaceError(error.errno, f"{path}: {os.strerror(error.errno or 0)}") from error
    finally:
        os.close(fd)
