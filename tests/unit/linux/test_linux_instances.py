import os
import subprocess
import sys
import threading

from stoker.linux import instances


def test_a_living_process_s_things_are_not_abandoned() -> None:
    assert not instances.is_abandoned(instances.own_name("thing"), "thing")


def test_the_things_of_a_process_that_ended_are_abandoned() -> None:
    code = "from stoker.linux import instances; print(instances.own_name('thing'))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    name = subprocess.check_output([sys.executable, "-c", code], env=environment, text=True)
    assert instances.is_abandoned(name.strip(), "thing")


def test_the_things_of_a_killed_process_that_nobody_has_waited_for_are_abandoned() -> None:
    process = subprocess.Popen(["sleep", "60"])
    name = instances.name_of(process.pid, "thing")
    assert not instances.is_abandoned(name, "thing")
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert instances.is_abandoned(name, "thing")
    process.wait()


def test_a_pid_that_was_used_again_does_not_count_as_the_owner() -> None:
    prefix, namespace, pid, start = instances.own_name("thing").split("-")
    assert instances.is_abandoned(f"{prefix}-{namespace}-{pid}-{int(start) - 1}", "thing")


def test_another_container_s_and_another_program_s_things_are_left_alone() -> None:
    _, namespace, _, start = instances.own_name("thing").split("-")
    assert not instances.is_abandoned(f"thing-{int(namespace) + 1}-4194304-{start}", "thing")
    assert not instances.is_abandoned(f"other-{namespace}-4194304-{start}", "thing")
    assert not instances.is_abandoned("thing-of-somebody", "thing")


def test_what_a_part_of_a_program_left_is_the_program_s_to_sweep() -> None:
    _, namespace, _, start = instances.own_name("thing").split("-")
    assert instances.is_abandoned(f"thing-part-{namespace}-4194304-{start}", "thing")
    assert not instances.is_abandoned(f"thing-{namespace}-4194304-{start}", "thing-part")


def test_who_starts_while_another_sweeps_sweeps_after_it() -> None:
    swept = threading.Event()

    def sweep() -> None:
        with instances.sweeping():
            swept.set()

    other = threading.Thread(target=sweep)
    with instances.sweeping():
        other.start()
        assert not swept.wait(0.1)
    assert swept.wait(60)
    other.join()


def test_nobody_waits_for_ever_for_another_s_sweep() -> None:
    with instances.sweeping(), instances.sweeping(patience_s=0.05):
        pass
