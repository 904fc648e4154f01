import errno
import os
from pathlib import Path

import pytest
from linux_child import error_number, in_child

from stoker.linux import mounts, namespaces

pytestmark = pytest.mark.root


def in_new_mount_namespace(function):
    def enter_and_run():
        namespaces.unshare(namespaces.CLONE_NEWNS)
        mounts.make_private()
        return function()

    return in_child(enter_and_run)


def as_first_process(function):
    """In a new pid namespace too, whose first process the function runs in."""

    def fork_and_run():
        namespaces.unshare(namespaces.CLONE_NEWPID)
        return in_child(function)

    return in_new_mount_namespace(fork_and_run)


def mount_lines(path: Path) -> list[str]:
    return [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(path) in line]


def test_a_cloned_directory_can_be_read_and_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "from").mkdir()
    (tmp_path / "to").mkdir()
    (tmp_path / "from/file").write_text("hello")

    def look() -> tuple[str, int]:
        mounts.bind(str(tmp_path / "from"), str(tmp_path / "to"))
        return (tmp_path / "to/file").read_text(), error_number(lambda: (tmp_path / "to/file").write_text("x"))

    assert in_new_mount_namespace(look) == ("hello", errno.EROFS)


def test_a_device_on_a_cloned_tree_cannot_be_opened(tmp_path: Path) -> None:
    os.mknod(tmp_path / "null", 0o020666, os.makedev(1, 3))
    (tmp_path / "to").mkdir()

    def look() -> int:
        mounts.bind(str(tmp_path), str(tmp_path / "to"))
        return error_number(lambda: (tmp_path / "to/null").read_bytes())

    assert in_new_mount_namespace(look) == errno.EACCES


def test_a_tmpfs_holds_its_size_and_its_number_of_files_and_no_more(tmp_path: Path) -> None:
    def fill() -> tuple[int, int, tuple[int, int, int]]:
        mounts.attach(mounts.new_tmpfs(1 << 20, mode=0o700, uid=7, gid=8, inodes=3), str(tmp_path))
        (tmp_path / "one").touch()
        owner = tmp_path.stat()
        too_big = error_number(lambda: (tmp_path / "one").write_bytes(bytes(2 << 20)))
        (tmp_path / "two").touch()
        too_many = error_number(lambda: (tmp_path / "three").touch())
        return too_big, too_many, (owner.st_uid, owner.st_gid, owner.st_mode & 0o777)

    assert in_new_mount_namespace(fill) == (errno.ENOSPC, errno.ENOSPC, (7, 8, 0o700))


def test_a_mount_that_was_never_attached_leaves_nothing(tmp_path: Path) -> None:
    fd = mounts.clone_tree(str(tmp_path))
    os.close(fd)
    assert mount_lines(tmp_path) == []
    assert error_number(lambda: mounts.attach(fd, str(tmp_path))) == errno.EBADF


def test_what_is_mounted_in_a_private_namespace_is_not_seen_outside(tmp_path: Path) -> None:
    def mount_and_look() -> int:
        mounts.attach(mounts.new_tmpfs(1 << 20), str(tmp_path))
        return len(mount_lines(tmp_path))

    assert in_new_mount_namespace(mount_and_look) == 1
    assert mount_lines(tmp_path) == []


def test_after_a_pivot_the_host_s_files_are_out_of_reach(tmp_path: Path) -> None:
    outside = os.open("/", os.O_RDONLY)

    def pivot() -> tuple[list[str], str, list[str]]:
        os.close(outside)
        mounts.attach(mounts.new_tmpfs(1 << 20), str(tmp_path))
        (tmp_path / "only").mkdir()
        mounts.pivot(str(tmp_path))
        return os.listdir("/"), os.getcwd(), os.listdir("/../..")

    assert in_new_mount_namespace(pivot) == (["only"], "/", ["only"])
    os.close(outside)


def test_proc_shows_the_namespace_s_processes_and_no_others(tmp_path: Path) -> None:
    def list_processes() -> list[str]:
        mounts.mount_proc(str(tmp_path))
        return [name for name in os.listdir(tmp_path) if name.isdigit()]

    assert as_first_process(list_processes) == ["1"]


def test_a_read_only_mount_and_a_detached_one_are_what_they_say(tmp_path: Path) -> None:
    def change() -> tuple[int, bool]:
        mounts.attach(mounts.new_tmpfs(1 << 20), str(tmp_path))
        (tmp_path / "file").touch()
        mounts.set_read_only(str(tmp_path))
        refused = error_number(lambda: (tmp_path / "other").touch())
        mounts.detach(str(tmp_path))
        return refused, (tmp_path / "file").exists()

    assert in_new_mount_namespace(change) == (errno.EROFS, False)


def test_an_option_that_the_filesystem_lacks_is_named() -> None:
    with pytest.raises(OSError, match=r"fsconfig\(colour\): Invalid argument"):
        mounts.new_filesystem("tmpfs", {"colour": "red"}, 0)
