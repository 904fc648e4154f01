"""Giving up privileges for good, in the one order that the kernel allows.

Read by CPython 3.9 and later. Call `drop` late: what it takes away is needed for mounts and namespaces.
"""

from __future__ import annotations

import errno
import os
import resource

from stoker.linux import syscalls

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_CAPBSET_DROP = 24
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4

_HIGHEST_POSSIBLE_CAPABILITY = 63
_MEMLOCK_BYTES = 64 * 1024
_OPEN_FILES = 1024


def drop(uid: int, gid: int, keep_groups: bool = False) -> None:
    """Become `uid` and `gid` without any capability, never to gain one again, not even by executing a setuid file.

    `keep_groups` is for user namespaces that an unprivileged user mapped: there setgroups is forbidden.
    """
    _empty_bounding_set()
    if not keep_groups:
        # Supplementary groups are not touched by a change of the gid and would go on opening root's files.
        os.setgroups([])
    # The saved ids too, else setuid(0) would lead back; the group first, as the user decides whether that's allowed.
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    # A uid of the new namespace need not be 0 to hold capabilities, and ambient ones outlive an exec.
    syscalls.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    syscalls.capset(0, 0, 0)
    forbid_new_privileges()


def _empty_bounding_set() -> None:
    # The bounding set is what an exec could give back: with it empty, uid 0 and file capabilities mean nothing, which
    # is why securebits have nothing to add. How many there are depends on the kernel; EINVAL says where it ends.
    for capability in range(_HIGHEST_POSSIBLE_CAPABILITY + 1):
        try:
            syscalls.prctl(PR_CAPBSET_DROP, capability)
        except syscalls.SyscallError as error:
            if error.errno != errno.EINVAL:
                raise
            return


def forbid_new_privileges() -> None:
    """Make setuid, setgid and file capabilities of executed files have no effect, for this process and all after it."""
    # no_new_privs: the kernel also asks for it before an unprivileged process may install a seccomp filter.
    syscalls.prctl(PR_SET_NO_NEW_PRIVS, 1)


def set_parent_death_signal(signal: int) -> None:
    """Have the kernel signal this process when the thread that forked it ends.

    After `drop` only: a change of ids clears it. A parent that ended before is not noticed; compare os.getppid().
    """
    # Without it a child outlives a supervisor that was killed, and nobody would ever end it.
    syscalls.prctl(PR_SET_PDEATHSIG, signal)


def set_dumpable(dumpable: bool = True) -> None:
    """Say whether /proc/self/* of this process belongs to its own user.

    After `drop` only: a change of ids clears it.
    """
    # Not dumpable: the files of /proc/self belong to root, and programs that read their own environ, auxv or mem fail.
    syscalls.prctl(PR_SET_DUMPABLE, int(dumpable))


def limit_resources(open_files: int = _OPEN_FILES, processes: int | None = None) -> None:
    """No core dumps, no POSIX message queues, 64 KiB of locked memory and `open_files` descriptors; hard limits.

    `processes` counts the threads of one user in its user namespace (before Linux 5.14 in all of them); it stands in
    for a pids cgroup and does not reach root of the machine.
    """
    wanted = (
        (resource.RLIMIT_NOFILE, open_files),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_MEMLOCK, _MEMLOCK_BYTES),
        *([] if processes is None else [(resource.RLIMIT_NPROC, processes)]),
    )
    for kind, value in wanted:
        hard = resource.getrlimit(kind)[1]
        # Locked memory and queues are kernel memory that the memory cgroup does not see in every case.
        limit = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (limit, limit))
