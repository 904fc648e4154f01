from pathlib import Path

import pytest

from stoker.linux import cgroup_places
from stoker.linux.cgroup_places import CgroupsUnavailableError

V1_MOUNTS = """\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 {root} /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 {root} /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
37 31 0:34 {root} /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer
39 31 0:36 {root} /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
"""
V1_GROUPS = "5:freezer:{own}\n4:pids:{own}\n3:memory:{own}\n2:cpu,cpuacct:{own}\n0::/\n"


def v2(tmp_path: Path, own: str, controllers: str) -> tuple[str, str]:
    group = tmp_path / own.lstrip("/")
    group.mkdir(parents=True, exist_ok=True)
    (group / "cgroup.controllers").write_text(controllers)
    return f"41 31 0:38 / {tmp_path} rw,relatime - cgroup2 cgroup2 rw\n", f"0::{own}\n"


def test_version_1_is_a_directory_in_each_controller_s_tree() -> None:
    place = cgroup_places.find(V1_MOUNTS.format(root="/"), V1_GROUPS.format(own="/user/1"))
    assert place.version == 1
    assert place.directories["memory"] == Path("/sys/fs/cgroup/memory/user/1")
    assert place.directories["cpu"] == place.directories["cpuacct"] == Path("/sys/fs/cgroup/cpu,cpuacct/user/1")


def test_a_container_that_sees_only_its_part_of_the_tree_finds_itself_in_it() -> None:
    place = cgroup_places.find(V1_MOUNTS.format(root="/docker/4f"), V1_GROUPS.format(own="/docker/4f/inner"))
    assert place.directories["pids"] == Path("/sys/fs/cgroup/pids/inner")


def test_version_2_is_one_directory(tmp_path: Path) -> None:
    mounts, groups = v2(tmp_path, "/system.slice/x.service", "cpuset cpu io memory pids")
    place = cgroup_places.find(mounts, groups)
    assert (place.version, place.directories["cgroup2"]) == (2, tmp_path / "system.slice/x.service")


def test_version_2_without_controllers_gives_way_to_version_1(tmp_path: Path) -> None:
    mounts, groups = v2(tmp_path, "/", "hugetlb")
    place = cgroup_places.find(V1_MOUNTS.format(root="/") + mounts, V1_GROUPS.format(own="/") + groups)
    assert place.version == 1


def test_a_machine_that_lacks_a_controller_is_told_which_and_what_to_do(tmp_path: Path) -> None:
    mounts, groups = v2(tmp_path, "/user.slice", "memory pids")
    with pytest.raises(CgroupsUnavailableError, match=r"has no cpu controller.*Delegate=yes"):
        cgroup_places.find(mounts, groups)


def test_a_machine_without_cgroups_is_told_so() -> None:
    with pytest.raises(CgroupsUnavailableError, match="no cgroup2 is mounted"):
        cgroup_places.find("", "0::/\n")
