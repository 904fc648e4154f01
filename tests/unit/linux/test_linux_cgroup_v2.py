"""Version 2 against a directory tree that looks like cgroupfs: what is written where, and who is moved."""

from pathlib import Path

import pytest

from stoker.linux import cgroup_v2
from stoker.linux.cgroup_files import CgroupError
from stoker.linux.cgroup_places import CgroupsUnavailableError
from stoker.linux.cgroup_v2 import CgroupV2

CONTROLLERS = "cpu memory pids"
GROUP = {
    "cgroup.procs": "",
    "cgroup.freeze": "0",
    "cgroup.events": "populated 1\nfrozen 0\n",
    "cgroup.kill": "",
    "memory.peak": "2048\n",
    "memory.current": "1024\n",
    "memory.events": "low 0\noom 2\noom_kill 1\n",
    "memory.max": "max",
    "memory.swap.max": "max",
    "cpu.max": "max 100000",
    "cpu.weight": "100",
    "cpu.stat": "usage_usec 7\nuser_usec 5\n",
    "pids.max": "max",
    "pids.current": "3\n",
}


def directory(path: Path, files: dict[str, str]) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (path / name).write_text(text)
    return path


def group(path: Path, enabled: str = "") -> Path:
    return directory(path, {"cgroup.procs": "", "cgroup.freeze": "0", "cgroup.subtree_control": enabled})


@pytest.fixture
def one(tmp_path: Path) -> CgroupV2:
    return CgroupV2(directory(tmp_path / "one", GROUP))


def test_limits_leave_no_swap_and_short_cpu_periods(one: CgroupV2, tmp_path: Path) -> None:
    one.limit(memory_bytes=128 << 20, cpu_share=0.5, cpu_cores=0.5, pids_max=100)
    written = {name: (tmp_path / "one" / name).read_text() for name in GROUP if name.endswith(".max")}
    assert written == {"memory.max": "134217728", "memory.swap.max": "0", "cpu.max": "10000 20000", "pids.max": "100"}


def test_a_tiny_share_of_a_core_is_the_smallest_that_the_kernel_takes(one: CgroupV2, tmp_path: Path) -> None:
    one.limit(memory_bytes=1 << 20, cpu_share=0.001, cpu_cores=0.001, pids_max=1)
    assert (tmp_path / "one/cpu.max").read_text() == "1000 20000"


def test_a_share_is_a_weight_relative_to_one_ordinary_group(one: CgroupV2, tmp_path: Path) -> None:
    one.limit(memory_bytes=1 << 20, cpu_share=0.5, cpu_cores=1.0, pids_max=1)
    assert (tmp_path / "one/cpu.weight").read_text() == "50"


def test_what_was_used_is_read_from_the_kernel_s_own_counters(one: CgroupV2) -> None:
    assert (one.peak_memory(), one.memory(), one.oom_kills(), one.process_count()) == (2048, 1024, 1, 3)
    assert one.cpu_usage_ns() == 7000


def test_freezing_and_thawing_are_one_write_each(one: CgroupV2, tmp_path: Path) -> None:
    one.freeze()
    assert (tmp_path / "one/cgroup.freeze").read_text() == "1"
    one.thaw()
    assert (tmp_path / "one/cgroup.freeze").read_text() == "0"
    assert not one.is_frozen()


def test_a_kernel_that_keeps_no_peak_answers_with_what_is_used_now(tmp_path: Path) -> None:
    old = CgroupV2(directory(tmp_path / "old", {name: text for name, text in GROUP.items() if name != "memory.peak"}))
    assert (old.peak_memory(), old.reset_peak()) == (1024, False)


def test_a_file_that_the_kernel_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(CgroupError, match=r"open .*cgroup\.freeze"):
        CgroupV2(tmp_path / "bare")


def test_a_container_s_root_is_used_after_its_processes_moved_to_a_leaf(tmp_path: Path) -> None:
    room = cgroup_v2.find_room(group(tmp_path / "root"))
    assert (room.base, room.enable, room.move) == (tmp_path / "root", True, True)


def test_a_second_start_in_the_leaf_uses_the_same_place(tmp_path: Path) -> None:
    root = group(tmp_path / "root", CONTROLLERS)
    room = cgroup_v2.find_room(group(root / "supervisor"))
    assert (room.base, room.enable, room.move) == (root, False, False)


def test_nobody_else_s_processes_are_moved(tmp_path: Path) -> None:
    root = group(tmp_path / "root", CONTROLLERS)
    session = group(group(root / "user.slice", "memory pids") / "session-1.scope")
    room = cgroup_v2.find_room(session)
    assert (room.base, room.move) == (root, False)


def test_a_place_that_was_not_handed_over_is_refused_with_a_remedy(tmp_path: Path) -> None:
    session = group(group(tmp_path / "root") / "session-1.scope")
    with pytest.raises(CgroupsUnavailableError, match="Delegate=yes"):
        cgroup_v2.find_room(session)


def test_opening_moves_processes_and_enables_controllers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = group(tmp_path / "root")
    (root / "cgroup.procs").write_text("41\n42\n")
    instance = directory(root / "thing", {"cgroup.subtree_control": "", "cpu.weight": "100"})
    leaf = directory(root / "supervisor", {"cgroup.procs": ""})
    monkeypatch.setattr(cgroup_v2.instances, "own_name", lambda prefix: prefix)
    cgroup_v2.HierarchyV2(root, "thing")
    assert (leaf / "cgroup.procs").read_text() == "42"
    for place in (root, instance):
        assert (place / "cgroup.subtree_control").read_text() == "+memory +cpu +pids"
