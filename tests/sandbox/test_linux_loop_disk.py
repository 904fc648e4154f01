import errno
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from linux_child import error_number, in_child

from fakes.waiting import eventually_none
from stoker.linux import credentials, loop_disk, mounts, namespaces
from stoker.linux.loop_disk import DiskError, DiskMaker

pytestmark = pytest.mark.root

MIB = 1 << 20


@pytest.fixture
def maker(tmp_path: Path) -> Iterator[DiskMaker]:
    maker = DiskMaker(tmp_path)
    if maker.unavailable_reason() is not None:
        pytest.skip(str(maker.unavailable_reason()))
    yield maker
    maker.close()
    eventually_none(lambda: loops_in(tmp_path), "a loop device")
    assert os.listdir(tmp_path) == []


def loops_in(directory: Path) -> list[str]:
    files = Path("/sys/block").glob("loop*/loop/backing_file")
    return [text for text in map(read_or_empty, files) if text.startswith(str(directory))]


def read_or_empty(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:  # the device was cleared between the listing and the reading
        return ""


def root_of(disk: int) -> Path:
    return Path(f"/proc/self/fd/{disk}")


@pytest.mark.parametrize("size", [4 * MIB, 512 * MIB, 10_240 * MIB])
def test_a_disk_has_the_room_that_was_asked_for_and_hardly_more(maker: DiskMaker, size: int) -> None:
    disk = maker.create(size, 1001, 1002)
    room = os.statvfs(root_of(disk))
    assert size <= room.f_bavail * room.f_frsize <= size * 1.01 + MIB
    os.close(disk)


def test_a_disk_is_empty_and_its_user_s_own(maker: DiskMaker) -> None:
    disk = maker.create(4 * MIB, 1001, 1002, mode=0o750)
    owner = root_of(disk).stat()
    assert os.listdir(root_of(disk)) == []
    assert (owner.st_uid, owner.st_gid, owner.st_mode & 0o7777) == (1001, 1002, 0o750)
    os.close(disk)


def test_a_full_disk_says_so_and_not_before_its_size(maker: DiskMaker) -> None:
    disk = maker.create(4 * MIB, 0, 0)
    (root_of(disk) / "all").write_bytes(bytes(4 * MIB))
    assert error_number(lambda: (root_of(disk) / "more").write_bytes(bytes(MIB))) == errno.ENOSPC
    os.close(disk)


def test_what_is_on_one_disk_is_not_on_the_next(maker: DiskMaker) -> None:
    first = maker.create(4 * MIB, 0, 0)
    (root_of(first) / "secret").write_text("of the first")
    second = maker.create(4 * MIB, 0, 0)
    assert os.listdir(root_of(second)) == []
    os.close(first)
    os.close(second)


def test_a_disk_takes_little_of_the_host_s_until_it_is_written_to(maker: DiskMaker, tmp_path: Path) -> None:
    def make() -> int:
        namespaces.unshare(namespaces.CLONE_NEWNS)
        mounts.make_private()
        # Where nobody else writes meanwhile.
        mounts.attach(mounts.new_tmpfs(128 * MIB), str(tmp_path))
        before = os.statvfs(tmp_path)
        disk = DiskMaker(tmp_path).create(10_240 * MIB, 0, 0)
        after = os.statvfs(tmp_path)
        os.close(disk)
        return (before.f_bfree - after.f_bfree) * before.f_frsize

    assert 0 < in_child(make) < 64 * MIB


def test_setuid_files_and_devices_on_a_disk_mean_nothing(maker: DiskMaker) -> None:
    disk = maker.create(4 * MIB, 0, 0)
    os.mknod(root_of(disk) / "null", 0o020666, os.makedev(1, 3))
    assert error_number(lambda: (root_of(disk) / "null").read_bytes()) == errno.EACCES
    assert os.statvfs(root_of(disk)).f_flag & os.ST_NOSUID
    os.close(disk)


def test_nothing_is_left_of_a_disk_when_its_user_is_killed(maker: DiskMaker, tmp_path: Path) -> None:
    ready_read, ready_write = os.pipe()
    user = os.fork()
    if user == 0:
        namespaces.unshare(namespaces.CLONE_NEWNS)
        mounts.make_private()
        mounts.attach(maker.create(4 * MIB, 0, 0), "/mnt")
        Path("/mnt/file").write_text("x")
        os.write(ready_write, b"x")
        signal.pause()
    os.read(ready_read, 1)
    assert len(loops_in(tmp_path)) == 1
    os.kill(user, signal.SIGKILL)
    os.waitpid(user, 0)
    eventually_none(lambda: loops_in(tmp_path), "a loop device")


def test_a_machine_without_mkfs_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_disk.shutil, "which", lambda program, path: None)
    assert "e2fsprogs" in str(DiskMaker(tmp_path).unavailable_reason())


def test_without_privileges_there_is_a_reason_and_no_crash(tmp_path: Path) -> None:
    def ask() -> str | None:
        credentials.drop(1001, 1001)
        credentials.set_dumpable()
        return DiskMaker(Path("/tmp")).unavailable_reason()

    assert "Permission denied" in in_child(ask)
    with pytest.raises(DiskError):
        DiskMaker(Path("/proc")).create(MIB, 0, 0)
