"""Real groups of real processes, in whichever version this machine has."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from linux_child import in_child

from fakes.cgroup_tree import groups_called
from fakes.waiting import eventually
from stoker.linux import cgroup_entry, cgroups, credentials
from stoker.linux.cgroup_files import CgroupError
from stoker.linux.cgroups import Cgroup, CgroupsUnavailableError, Hierarchy

pytestmark = pytest.mark.root

MIB = 1 << 20
# Of this process alone: the groups of all that are called so are counted.
PREFIX = f"groupcheck{os.getpid()}"
# The file of a group's weight by version, and what an ordinary process weighs.
WEIGHTS = {1: ("cpu.shares", 1024), 2: ("cpu.weight", 100)}


@pytest.fixture
def hierarchy() -> Iterator[Hierarchy]:
    try:
        hierarchy = cgroups.open_hierarchy(PREFIX)
    except CgroupsUnavailableError as error:
        pytest.skip(str(error))
    yield hierarchy
    hierarchy.close()
    assert groups_called(f"{PREFIX}-") == []


@pytest.fixture
def group(hierarchy: Hierarchy) -> Iterator[Cgroup]:
    group = hierarchy.create("one")
    group.limit(memory_bytes=64 * MIB, cpu_share=1.0, cpu_cores=1.0, pids_max=20)
    yield group
    group.remove()


def python_in(group: Cgroup, code: str) -> "subprocess.Popen[bytes]":
    """A Python that entered the group by itself before it runs the code."""
    paths = group.entrances()
    return subprocess.Popen(
        [sys.executable, "-u", "-c", code],
        preexec_fn=lambda: cgroup_entry.enter(paths),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def test_a_process_that_needs_more_memory_than_it_has_is_ended_and_counted(group: Cgroup) -> None:
    process = python_in(group, "x = bytearray(200 << 20)")
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert group.oom_kills() == 1
    assert 60 * MIB < group.peak_memory() <= 64 * MIB


def test_a_process_within_its_limit_runs_and_its_peak_is_seen(group: Cgroup) -> None:
    process = python_in(group, "x = bytearray(30 << 20)\nfor i in range(0, 30 << 20, 4096): x[i] = 1")
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert 30 * MIB < group.peak_memory() < 60 * MIB
    assert group.oom_kills() == 0


def test_a_peak_begins_anew_for_the_next_piece_of_work(group: Cgroup) -> None:
    python_in(group, "x = bytearray(30 << 20)").communicate(timeout=60)
    if not group.reset_peak():
        pytest.skip("this kernel's peak cannot be reset")
    assert group.peak_memory() < 30 * MIB


def test_a_fork_bomb_runs_into_a_wall(group: Cgroup) -> None:
    code = """
import os
made = 0
try:
    while made < 100:
        if os.fork() == 0:
            import signal; signal.pause()
        made += 1
except BlockingIOError:
    print(made)
"""
    process = python_in(group, code)
    assert process.stdout is not None
    assert int(process.stdout.readline()) == 19
    group.kill()
    process.communicate(timeout=60)


def test_a_frozen_process_stands_still_and_goes_on_when_it_is_thawed(group: Cgroup) -> None:
    process = python_in(group, "while True: print(input())")
    assert process.stdin is not None and process.stdout is not None
    assert echo(process) == b"x\n"
    group.freeze()
    eventually(group.is_frozen, "it stands still")
    used = group.cpu_usage_ns()
    process.stdin.write(b"y\n")
    process.stdin.flush()
    assert group.cpu_usage_ns() == used
    group.thaw()
    assert process.stdout.readline() == b"y\n"
    group.kill()
    process.communicate(timeout=60)


def echo(process: "subprocess.Popen[bytes]") -> bytes:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(b"x\n")
    process.stdin.flush()
    return process.stdout.readline()


def test_freezing_twice_and_thawing_twice_is_no_error(group: Cgroup) -> None:
    for _ in range(2):
        group.freeze()
    for _ in range(2):
        group.thaw()
    assert not group.is_frozen()


def test_a_tenth_of_a_core_is_a_tenth_of_a_core(group: Cgroup) -> None:
    group.limit(memory_bytes=64 * MIB, cpu_share=0.1, cpu_cores=0.1, pids_max=20)
    code = "import time; end = time.monotonic() + 0.5\nwhile time.monotonic() < end: pass"
    began = time.monotonic()
    python_in(group, code).communicate(timeout=60)
    # Its start counts, however long that takes here; so does a period's share that it had no time to use.
    assert group.cpu_usage_ns() / 1e9 < 0.1 * (time.monotonic() - began) + 0.1


def test_groups_together_weigh_as_many_processes_as_can_run_at_once(hierarchy: Hierarchy) -> None:
    (parent,) = {path for path in groups_called(f"{PREFIX}-") if (path / WEIGHTS[hierarchy.version][0]).exists()}
    file, of_one = WEIGHTS[hierarchy.version]
    assert int((parent / file).read_text()) == of_one * len(os.sched_getaffinity(0))


def test_a_process_can_be_moved_in_with_its_children_counted(group: Cgroup) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    group.attach(process.pid)
    assert group.process_count() == 1
    process.communicate(b"\n", timeout=60)


def test_removing_a_group_ends_even_frozen_processes(hierarchy: Hierarchy) -> None:
    group = hierarchy.create("doomed")
    process = python_in(group, "print(1); input()")
    assert process.stdout is not None
    process.stdout.readline()
    group.freeze()
    group.remove()
    group.remove()
    assert process.wait(timeout=60) == -signal.SIGKILL


def test_what_a_killed_instance_left_is_swept_with_its_processes(hierarchy: Hierarchy) -> None:
    def leave_a_group() -> int:
        group = cgroups.open_hierarchy(PREFIX).create("left")
        process = python_in(group, "print(1); input()")
        assert process.stdout is not None
        process.stdout.readline()
        group.freeze()
        return process.pid

    left = in_child(leave_a_group)
    assert len(hierarchy.sweep()) == 1
    assert hierarchy.sweep() == []
    eventually(lambda: "Z (zombie)" in status(left), "its process is dead")


def status(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return "Z (zombie)"


def test_one_who_may_not_make_groups_is_told_what_to_do() -> None:
    def try_to_open() -> str:
        credentials.drop(1001, 1001)
        try:
            cgroups.open_hierarchy(PREFIX)
        except CgroupsUnavailableError as error:
            return str(error)
        return ""

    assert "start as root" in in_child(try_to_open)


def test_a_process_that_is_no_more_cannot_be_moved(group: Cgroup) -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    with pytest.raises(CgroupError, match="No such process"):
        group.attach(process.pid)


def test_a_process_in_a_group_with_a_limit_knows_that_it_has_no_more(group: Cgroup) -> None:
    code = """
from stoker.linux.available_memory import AvailableMemory
memory = AvailableMemory()
before, limits = memory(), memory.limits
taken = bytearray(16 << 20)
print(before, memory(), *limits)
"""
    output, _ = python_in(group, code).communicate(timeout=60)
    before, after, limit, *_ = map(int, output.split())
    assert limit == 64 * MIB
    assert before < limit
    assert after <= before - 15 * MIB
