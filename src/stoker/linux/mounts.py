"""Mounts that are made detached, as file descriptors, and hung into a tree when they are complete.

Read by CPython 3.9 and later. A detached mount is gone when its last file descriptor is closed, so one that was
prepared and never used leaves nothing. Linux 5.12 or later (mount_setattr).
"""

from __future__ import annotations

import os

from stoker.linux import syscalls

MS_REC = 0x4000
MS_PRIVATE = 1 << 18
MNT_DETACH = 2

MOUNT_ATTR_RDONLY = 0x1
MOUNT_ATTR_NOSUID = 0x2
MOUNT_ATTR_NODEV = 0x4
MOUNT_ATTR_NOEXEC = 0x8

AT_RECURSIVE = 0x8000
OPEN_TREE_CLONE = 1
OPEN_TREE_CLOEXEC = os.O_CLOEXEC
MOVE_MOUNT_F_EMPTY_PATH = 0x4
FSOPEN_CLOEXEC = 1
FSMOUNT_CLOEXEC = 1
FSCONFIG_SET_FLAG = 0
FSCONFIG_SET_STRING = 1
FSCONFIG_CMD_CREATE = 6


def clone_tree(
    path: str, read_only: bool = True, nosuid: bool = True, nodev: bool = True, recursive: bool = False
) -> int:
    """A detached second mount of what is at `path` (a directory or a file), as a file descriptor."""
    depth = AT_RECURSIVE if recursive else 0
    # open_tree with OPEN_TREE_CLONE: the bind mount of the new API. Being detached, it gets its restrictions before
    # anybody can reach it; mount(2) needs a second call for read-only, with a writable moment between.
    fd = syscalls.open_tree(syscalls.AT_FDCWD, os.fsencode(path), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | depth)
    attributes = MOUNT_ATTR_RDONLY * read_only | MOUNT_ATTR_NOSUID * nosuid | MOUNT_ATTR_NODEV * nodev
    try:
        # Private: a clone of a shared mount would join its peers, and mounts made on it would show on the host.
        syscalls.mount_setattr(fd, b"", syscalls.AT_EMPTY_PATH | depth, attributes, propagation=MS_PRIVATE)
    except BaseException:
        os.close(fd)
        raise
    return fd


def attach(fd: int, target: str) -> None:
    """Hang the detached mount at `target`; the caller may close `fd` afterwards."""
    # move_mount: the only call that hangs a mount that has no place yet.
    syscalls.move_mount(fd, os.fsencode(target), MOVE_MOUNT_F_EMPTY_PATH)


def bind(
    source: str,
    target: str,
    read_only: bool = True,
    nosuid: bool = True,
    nodev: bool = True,
    recursive: bool = False,
) -> None:
    """Show `source` at `target` as well."""
    fd = clone_tree(source, read_only=read_only, nosuid=nosuid, nodev=nodev, recursive=recursive)
    try:
        attach(fd, target)
    finally:
        os.close(fd)


def new_filesystem(kind: str, options: dict[str, str | None], attributes: int) -> int:
    """A detached mount of a new filesystem instance; an option with the value None is a flag. Caller closes it."""
    # fsopen to fsmount: each option is refused by name, and the mount exists before it has a place.
    context = syscalls.fsopen(os.fsencode(kind), FSOPEN_CLOEXEC)
    try:
        for key, value in options.items():
            if value is None:
                syscalls.fsconfig(context, FSCONFIG_SET_FLAG, os.fsencode(key))
            else:
                syscalls.fsconfig(context, FSCONFIG_SET_STRING, os.fsencode(key), os.fsencode(value))
        syscalls.fsconfig(context, FSCONFIG_CMD_CREATE)
        return syscalls.fsmount(context, FSMOUNT_CLOEXEC, attributes)
    finally:
        os.close(context)


def new_tmpfs(
    size_bytes: int,
    mode: int = 0o755,
    uid: int = 0,
    gid: int = 0,
    inodes: int = 0,
    attributes: int = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
) -> int:
    """A detached tmpfs of at most `size_bytes` and `inodes` files (0: the kernel's default)."""
    options: dict[str, str | None] = {
        "source": "tmpfs",
        "size": str(size_bytes),
        "mode": f"{mode:o}",
        "uid": str(uid),
        "gid": str(gid),
    }
    if inodes:
        options["nr_inodes"] = str(inodes)
    return new_filesystem("tmpfs", options, attributes)


def new_proc() -> int:
    """A detached proc of the calling process's pid namespace; call it as a member of that namespace.

    Nobody's processes but the namespace's own are in it, so it takes no hidepid to keep others out.
    """
    # A proc belongs to the pid namespace that makes it: a cloned one would go on showing the host's processes.
    return new_filesystem("proc", {"source": "proc"}, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)


def mount_proc(target: str) -> None:
    """Show the calling process's pid namespace at `target`."""
    fd = new_proc()
    try:
        attach(fd, target)
    finally:
        os.close(fd)


def make_private() -> None:
    """Cut every mount of this mount namespace off from its peers on the host."""
    # A new mount namespace is a copy whose shared mounts still pass every mount and unmount on to the host.
    syscalls.mount(b"none", b"/", b"", MS_REC | MS_PRIVATE)


def set_read_only(target: str) -> None:
    """Make the mount at `target` read-only (this mount, not the filesystem beneath it)."""
    # mount_setattr changes the one attribute; a remount with mount(2) would have to repeat all the others.
    syscalls.mount_setattr(syscalls.AT_FDCWD, os.fsencode(target), 0, MOUNT_ATTR_RDONLY)


def detach(target: str) -> None:
    """Take the mount at `target` out of the tree; it ends when nobody has anything open on it."""
    # MNT_DETACH: a plain unmount is refused as long as any process stands in it.
    syscalls.umount2(os.fsencode(target), MNT_DETACH)


def pivot(new_root: str) -> None:
    """Make the mount at `new_root` this mount namespace's root, leave the old one behind, and stand in `/`."""
    os.chdir(new_root)
    # pivot_root, not chroot: a chroot is left by whoever holds a directory outside it. With "." twice the old root
    # comes to lie over the new one (pivot_root(2), NOTES), so the new root needs no directory for it.
    syscalls.pivot_root(b".", b".")
    syscalls.umount2(b".", MNT_DETACH)
    os.chdir("/")
