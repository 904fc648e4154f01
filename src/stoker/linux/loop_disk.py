"""A disk of a fixed size for one user: ext4 in a sparse file without a name, on a loop device that clears itself.

Whatever ends its last user, kill -9 included, takes all of it along: the mount goes with its last file descriptor or
namespace, the loop device with the mount (autoclear), the file with the loop device. There is nothing to sweep.
"""

import contextlib
import errno
import fcntl
import os
import shutil
import struct
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from stoker.linux import mounts

# linux/loop.h
_LOOP_CTL_GET_FREE = 0x4C82
_LOOP_CONFIGURE = 0x4C0A
_LO_FLAGS_AUTOCLEAR = 4
_LOOP_CONFIG = struct.Struct("=II5Q4I64s64s32s2Q8Q")
_FREE_LOOP_TRIES = 50

_BLOCK_BYTES = 4096
_BYTES_PER_INODE = 16_384
# At a mount, ext4 keeps a 50th of the blocks, 4,096 at most, for its own use when space runs out
# (fs/ext4/super.c, ext4_calculate_resv_clusters).
_KERNEL_RESERVE_SHARE, _KERNEL_RESERVE_MAX_BLOCKS = 50, 4096
_SUPERBLOCK_OFFSET = 1024
_FREE_BLOCKS_OFFSET = 12
_MKFS_TIMEOUT_S = 30
_SMALLEST_BYTES = 1 << 20

# Nothing on it outlives a crash, so nothing waits for the host's disk (nobarrier) or is zeroed ahead (noinit_itable).
_MOUNT_OPTIONS: dict[str, str | None] = {"nobarrier": None, "noinit_itable": None}


class DiskError(OSError):
    """A disk could not be made; says by which step. Without loop devices or mkfs.ext4 use a tmpfs."""


class DiskMaker:
    """Makes disks whose files lie in `directory`'s filesystem. Formats once per size; later disks are sparse copies.

    May be used by several threads: `_lock` guards `_templates` and is held while a size is formatted (15 ms).
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._templates: dict[int, IO[bytes]] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<disk maker in {self._directory}, {len(self._templates)} sizes>"

    def create(self, size_bytes: int, uid: int, gid: int, mode: int = 0o700) -> int:
        """A detached mount (nosuid, nodev) of an empty disk with room for `size_bytes`; its root belongs to `uid`.

        The caller attaches and closes it. Raises OSError: a DiskError, or a SyscallError where mounting is refused.
        """
        with _nameless_file(self._directory) as image:
            _copy_data(self._template(max(size_bytes, _SMALLEST_BYTES)), image)
            mount = _mount(image)
        try:
            _own_root(mount, uid, gid, mode)
        except BaseException:
            os.close(mount)
            raise
        return mount

    def unavailable_reason(self) -> str | None:
        """Why this machine cannot make disks; None when one was just made."""
        try:
            os.close(self.create(_SMALLEST_BYTES, os.getuid(), os.getgid()))
        except OSError as error:
            return str(error)
        return None

    def close(self) -> None:
        """Forget the templates; disks that were made live on."""
        with self._lock:
            for template in self._templates.values():
                template.close()
            self._templates.clear()

    def _template(self, size_bytes: int) -> IO[bytes]:
        with self._lock:
            if size_bytes not in self._templates:
                self._templates[size_bytes] = _format(self._directory, size_bytes)
            return self._templates[size_bytes]


def _format(directory: Path, size_bytes: int) -> IO[bytes]:
    """An unnamed ext4 image with `size_bytes` free or little more; metadata and the kernel's reserve come on top."""
    total = size_bytes + size_bytes // 64 + _kernel_reserve(size_bytes)
    while True:
        image = _nameless_file(directory)
        try:
            os.ftruncate(image.fileno(), total)
            _run_mkfs(image)
            missing = size_bytes + _kernel_reserve(total) - _free_bytes(image)
            if missing <= 0:
                _remove_lost_and_found(image)
                return image
        except BaseException:
            image.close()
            raise
        image.close()
        total += missing + missing // 32 + _BLOCK_BYTES


def _nameless_file(directory: Path) -> IO[bytes]:
    try:
        # O_TMPFILE: without a name from the first moment, so that a kill leaves nothing.
        return tempfile.TemporaryFile(dir=directory)
    except OSError as error:
        raise DiskError(error.errno, f"create a file in {directory}: {error.strerror}") from error


def _run_mkfs(image: IO[bytes]) -> None:
    program = shutil.which("mkfs.ext4", path=os.defpath + ":/usr/sbin:/sbin")
    if program is None:
        raise DiskError(errno.ENOENT, "mkfs.ext4 is not installed (package e2fsprogs)")
    features = "^has_journal,^resize_inode,^metadata_csum,uninit_bg"
    layout = ["-b", str(_BLOCK_BYTES), "-I", "256", "-i", str(_BYTES_PER_INODE), "-m", "0", "-O", features]
    extra = ["-E", "lazy_itable_init=1,nodiscard,root_owner=0:0"]
    path = f"/proc/self/fd/{image.fileno()}"
    done = subprocess.run(
        [program, "-q", "-F", *layout, *extra, path],
        pass_fds=[image.fileno()],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_MKFS_TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        raise DiskError(errno.EIO, f"mkfs.ext4 failed: {done.stderr.strip()}")


def _free_bytes(image: IO[bytes]) -> int:
    superblock = os.pread(image.fileno(), 1024, _SUPERBLOCK_OFFSET)
    blocks: int = struct.unpack_from("<I", superblock, _FREE_BLOCKS_OFFSET)[0]
    return blocks * _BLOCK_BYTES


def _kernel_reserve(total_bytes: int) -> int:
    return min(total_bytes // _BLOCK_BYTES // _KERNEL_RESERVE_SHARE + 1, _KERNEL_RESERVE_MAX_BLOCKS) * _BLOCK_BYTES


def _remove_lost_and_found(image: IO[bytes]) -> None:
    # The disk's owner expects an empty directory; done once, in the template.
    mount = _mount(image)
    try:
        os.rmdir(f"/proc/self/fd/{mount}/lost+found")
    finally:
        os.close(mount)


def _copy_data(source: IO[bytes], target: IO[bytes]) -> None:
    """A copy that shares the source's holes: some hundred KiB of metadata whatever the disk's size."""
    size = os.fstat(source.fileno()).st_size
    os.ftruncate(target.fileno(), size)
    for start, end in _extents(source.fileno(), size):
        position = start
        while position < end:
            copied = os.copy_file_range(source.fileno(), target.fileno(), end - position, position, position)
            if copied == 0:
                raise DiskError(errno.EIO, f"the disk template ended at {position} of {end} bytes")
            position += copied


def _extents(fd: int, size: int) -> Iterator[tuple[int, int]]:
    end = 0
    while end < size:
        try:
            start = os.lseek(fd, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole from here on
                return
            raise
        end = os.lseek(fd, start, os.SEEK_HOLE)
        yield start, end


def _mount(image: IO[bytes]) -> int:
    """A detached mount of the image; the loop device is held by the mount alone when this returns."""
    loop, path = _attach_loop(image)
    try:
        options = {"source": path, **_MOUNT_OPTIONS}
        return mounts.new_filesystem("ext4", options, mounts.MOUNT_ATTR_NOSUID | mounts.MOUNT_ATTR_NODEV)
    finally:
        os.close(loop)


def _attach_loop(image: IO[bytes]) -> tuple[int, str]:
    # LOOP_CONFIGURE (5.8) sets the file and autoclear in one step: there is no moment at which a kill would leave a
    # device behind. LOOP_CTL_GET_FREE only names one, so another process may be quicker: then ask again.
    config = _loop_config(image.fileno())
    with _opened("/dev/loop-control") as control:
        for _ in range(_FREE_LOOP_TRIES):
            path = f"/dev/loop{fcntl.ioctl(control, _LOOP_CTL_GET_FREE)}"
            loop = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.ioctl(loop, _LOOP_CONFIGURE, config)
            except OSError as error:
                os.close(loop)
                if error.errno != errno.EBUSY:
                    raise DiskError(error.errno, f"LOOP_CONFIGURE {path}: {error.strerror}") from error
            else:
                return loop, path
    raise DiskError(errno.EBUSY, f"no free loop device in {_FREE_LOOP_TRIES} tries")


def _loop_config(backing_fd: int) -> bytes:
    # struct loop_config: fd, block_size, then struct loop_info64 (device, inode, rdevice, offset, sizelimit, number,
    # encrypt_type, encrypt_key_size, flags, file_name, crypt_name, encrypt_key, init[2]), then 8 reserved words.
    numbers = (backing_fd, 0, 0, 0, 0, 0, 0, 0, 0, 0, _LO_FLAGS_AUTOCLEAR)
    return _LOOP_CONFIG.pack(*numbers, b"", b"", b"", 0, 0, *[0] * 8)


def _own_root(mount: int, uid: int, gid: int, mode: int) -> None:
    # A detached mount has no path but the descriptor's.
    root = f"/proc/self/fd/{mount}"
    os.chown(root, uid, gid)
    os.chmod(root, mode)


@contextlib.contextmanager
def _opened(path: str) -> Iterator[int]:
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise DiskError(error.errno, f"open {path}: {error.strerror}") from error
    try:
        yield fd
    finally:
        os.close(fd)
