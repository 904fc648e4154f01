"""What may be taken is the least of what the machine and each cgroup above has left."""

from pathlib import Path

import pytest

from stoker.linux.available_memory import AvailableMemory

MB = 1 << 20


class Machine:
    """A /proc and a cgroup tree with a process in /outer/inner."""

    def __init__(self, root: Path, kind: str) -> None:
        self.proc, self.top = root / "proc", root / "cgroup"
        self.inner = self.top / "outer" / "inner"
        self.inner.mkdir(parents=True)
        (self.proc / "self").mkdir(parents=True)
        (self.proc / "meminfo").write_text("MemTotal: 9000000 kB\nMemAvailable: 8192000 kB\n")
        options = "rw,memory" if kind == "cgroup" else "rw"
        (self.proc / "self/mountinfo").write_text(f"30 25 0:26 / {self.top} rw - {kind} {kind} {options}\n")
        (self.proc / "self/cgroup").write_text("4:memory:/outer/inner\n0::/outer/inner\n")

    def limit(self, group: Path, limit: str, used: int = 0, inactive: int = 0) -> None:
        (group / "memory.max").write_text(limit + "\n")
        (group / "memory.current").write_text(f"{used}\n")
        (group / "memory.stat").write_text(f"anon {used - inactive}\ninactive_file {inactive}\n")

    def limit_v1(self, group: Path, limit: int, used: int = 0, inactive: int = 0) -> None:
        (group / "memory.limit_in_bytes").write_text(f"{limit}\n")
        (group / "memory.usage_in_bytes").write_text(f"{used}\n")
        (group / "memory.stat").write_text(f"inactive_file 0\ntotal_inactive_file {inactive}\n")


@pytest.fixture
def unified(tmp_path: Path) -> Machine:
    return Machine(tmp_path, "cgroup2")


@pytest.fixture
def older(tmp_path: Path) -> Machine:
    return Machine(tmp_path, "cgroup")


def test_without_a_limit_it_is_the_machine_s(unified: Machine) -> None:
    unified.limit(unified.inner, "max")
    memory = AvailableMemory(unified.proc)
    assert (memory(), memory.limits) == (8000 * MB, [])


def test_a_container_has_what_its_limit_leaves_and_what_the_kernel_can_reclaim(unified: Machine) -> None:
    unified.limit(unified.inner, str(1000 * MB), used=700 * MB, inactive=100 * MB)
    memory = AvailableMemory(unified.proc)
    assert (memory(), memory.limits) == (400 * MB, [1000 * MB])
    unified.limit(unified.inner, str(1000 * MB), used=900 * MB)
    assert memory() == 100 * MB


def test_the_tightest_of_those_above_counts(unified: Machine) -> None:
    unified.limit(unified.inner, str(1000 * MB), used=100 * MB)
    unified.limit(unified.inner.parent, str(2000 * MB), used=1900 * MB)
    assert AvailableMemory(unified.proc)() == 100 * MB


def test_what_is_over_its_limit_has_nothing(unified: Machine) -> None:
    unified.limit(unified.inner, str(1000 * MB), used=1001 * MB)
    assert AvailableMemory(unified.proc)() == 0


def test_version_1_says_so_in_other_files(older: Machine) -> None:
    older.limit_v1(older.inner, 9223372036854771712)
    older.limit_v1(older.inner.parent, 600 * MB, used=500 * MB, inactive=50 * MB)
    memory = AvailableMemory(older.proc)
    assert (memory(), memory.limits) == (150 * MB, [600 * MB])


def test_a_machine_s_limit_is_beyond_no_container_s(unified: Machine) -> None:
    unified.limit(unified.inner, str(90_000 * MB))
    assert AvailableMemory(unified.proc)() == 8000 * MB
