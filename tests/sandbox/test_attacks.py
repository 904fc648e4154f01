"""Attacks from inside a function: the right error comes back, and neither the platform nor a neighbour is harmed."""

import itertools
import os
import random
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from fakes.live_server import LiveServer
from fakes.waiting import eventually, eventually_none

pytestmark = [pytest.mark.root, pytest.mark.usefixtures("neighbour")]


def test_a_handler_that_is_not_there_is_named(hostile: Any) -> None:
    outcome = hostile.invoke("missing")
    assert outcome.error == "Runtime.HandlerNotFound"
    assert "Handler 'missing' missing on module 'hostile'" in outcome.value["errorMessage"]


@pytest.mark.parametrize(
    ("status", "text"),
    [(0, "Runtime exited without providing a reason"), (7, "Runtime exited with error: exit status 7")],
)
def test_an_exit_is_reported_with_its_status(hostile: Any, status: int, text: str) -> None:
    outcome = hostile.invoke("exits", {"status": status})
    assert outcome.error == "Runtime.ExitError"
    assert outcome.value["errorMessage"].endswith(f"Error: {text}")


def test_a_function_that_kills_itself_is_reported(hostile: Any) -> None:
    outcome = hostile.invoke("kills_itself")
    assert outcome.error == "Runtime.ExitError"
    assert outcome.value["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")


def test_a_segmentation_fault_is_reported(hostile: Any) -> None:
    outcome = hostile.invoke("segfaults")
    assert outcome.error == "Runtime.ExitError"
    assert "signal: segmentation fault" in outcome.value["errorMessage"]


def test_forks_end_at_the_limit_of_processes(hostile: Any) -> None:
    outcome = hostile.invoke("forks_a_thousand_times", MemorySize=1024)
    assert outcome.value["refused"] == "EAGAIN"
    assert 900 < outcome.value["forked"] < 1024


def test_memory_ends_at_the_limit_and_is_reported(hostile: Any) -> None:
    outcome = hostile.invoke("fills_memory", MemorySize=128)
    assert outcome.error in {"Runtime.ExitError", "Runtime.OutOfMemory"}
    assert "signal: killed" in outcome.value["errorMessage"]
    assert outcome.report["Max Memory Used"] == "128 MB"


def test_memory_of_child_processes_counts_too(hostile: Any) -> None:
    outcome = hostile.invoke("fills_memory_in_a_child", MemorySize=128)
    assert outcome.error is not None or outcome.value["status"] == -9


@pytest.mark.parametrize("size_mb", [512, 700])
def test_tmp_is_full_when_it_is_full(hostile: Any, size_mb: int) -> None:
    outcome = hostile.invoke("fills_tmp", EphemeralStorage={"Size": size_mb}, MemorySize=256)
    assert outcome.value["refused"] == "ENOSPC"
    assert size_mb - 1 <= outcome.value["written"] / 2**20 <= size_mb * 1.05


def test_tmp_stays_with_its_environment_and_with_no_other(hostile: Any) -> None:
    first = hostile.invoke("remembers_in_tmp")
    assert first.value["before"] == []
    assert hostile.invoke("remembers_in_tmp").value["before"] == ["note"]
    hostile.client.update_function_configuration(
        FunctionName=hostile.deploy("remembers_in_tmp"), Description="a new revision"
    )
    hostile.client.get_waiter("function_updated_v2").wait(
        FunctionName=hostile.deploy("remembers_in_tmp"), WaiterConfig={"Delay": 0.1, "MaxAttempts": 1000}
    )
    assert hostile.invoke("remembers_in_tmp").value["before"] == []


def test_a_flood_of_log_lines_is_taken_and_kept(hostile: Any, live_server: LiveServer) -> None:
    outcome = hostile.invoke("floods_the_log", {"lines": 20_000})
    assert outcome.value == "done"
    logs = live_server.client("logs")
    group = f"/aws/lambda/{hostile.deploy('floods_the_log')}"
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, filterPattern='"19999 xxx"')
    assert len([event for page in pages for event in page["events"]]) == 1


def test_a_line_of_ten_megabytes_does_no_harm(hostile: Any) -> None:
    assert hostile.invoke("prints_a_long_line").value == "done"


def test_an_answer_of_seven_megabytes_is_refused(hostile: Any) -> None:
    outcome = hostile.invoke("answers_too_much", MemorySize=512)
    assert outcome.error == "Function.ResponseSizeTooLarge"
    assert "6291556 bytes" in outcome.value["errorMessage"]


@pytest.mark.parametrize("handler", ["never_answers", "spins_for_ever", "ignores_signals_for_ever"])
def test_a_function_that_never_answers_is_ended_at_its_timeout(hostile: Any, handler: str) -> None:
    outcome = hostile.invoke(handler, Timeout=1)
    assert outcome.error == "Sandbox.Timedout"
    assert outcome.value["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")


@pytest.mark.parametrize("handler", ["closes_its_sockets", "writes_garbage_to_its_sockets"])
def test_a_function_that_breaks_its_own_channel_fails_alone(hostile: Any, handler: str) -> None:
    outcome = hostile.invoke(handler, Timeout=3)
    assert outcome.error is not None
    assert hostile.invoke(handler, Timeout=3).error is not None


def test_nonsense_at_the_runtime_api_is_refused(hostile: Any) -> None:
    prefix = "/2018-06-01/runtime"
    paths = ["/", f"{prefix}/invocation/none/response", f"{prefix}/init/error", f"{prefix}/../../etc/passwd"]
    outcome = hostile.invoke("talks_nonsense_to_the_runtime_api", {"paths": paths})
    assert outcome.error is None
    assert all(answer in {400, 403, 404, 405} for answer in outcome.value), outcome.value


def test_the_hosts_files_are_not_there(hostile: Any, live_server: LiveServer) -> None:
    secret = live_server.data / "credentials"
    assert secret.exists()
    paths = [
        str(secret), "/etc/shadow", "/proc/1/environ", "/proc/1/mem", "/proc/kcore", "/dev/mem", "/dev/vda",
        "/dev/kvm", "/dev/loop0", str(Path(__file__)), str(Path.home() / ".bashrc"), "/var/log/dpkg.log", "/run/utmp",
        "/sys/kernel/uevent_seqnum", "/proc/1/root/etc/shadow", "/proc/sysrq-trigger",
    ]  # fmt: skip
    assert hostile.invoke("reads_files", {"paths": paths}).value == []


def test_only_tmp_can_be_written(hostile: Any) -> None:
    paths = [
        "/x", "/var/task/x", "/var/task/hostile.py", "/opt/x", "/var/runtime/x", "/usr/x", "/etc/passwd", "/dev/x",
        "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sysrq-trigger", "/tmp/x",
    ]  # fmt: skip
    assert hostile.invoke("writes_files", {"paths": paths}).value == ["/tmp/x"]


def test_a_function_has_no_rights_and_sees_only_itself(hostile: Any) -> None:
    seen = hostile.invoke("sees").value
    assert seen["processes"] == [1, 2]
    assert seen["uid"] != 0
    assert seen["groups"] == []
    assert seen["hostname"] != socket.gethostname()
    assert int(seen["capabilities"], 16) == int(seen["bounding"], 16) == 0
    assert (seen["no_new_privs"], seen["seccomp"]) == ("1", "2")
    # Standard streams, its channel, and the directory being listed.
    assert len(seen["descriptors"]) <= 5
    assert {"home", "boot", "sys", "srv", "mnt"}.isdisjoint(seen["root"])


def test_nothing_of_the_platforms_environment_reaches_a_function(hostile: Any) -> None:
    environment = hostile.invoke("sees").value["environment"]
    assert not [name for name in environment if name.startswith("STOKER")]
    assert os.environ["HOME"] not in environment.values()


def test_dangerous_system_calls_are_refused(hostile: Any) -> None:
    assert hostile.invoke("calls").value == []


def test_sockets_of_dangerous_families_are_refused(hostile: Any) -> None:
    assert hostile.invoke("opens_odd_sockets").value == []


def test_the_hosts_loopback_and_its_own_addresses_are_out_of_reach(hostile: Any, live_server: LiveServer) -> None:
    with socket.create_server(("0.0.0.0", 0)) as listener:
        port = listener.getsockname()[1]
        threading.Thread(target=lambda: listener.accept(), daemon=True).start()
        targets = [["127.0.0.1", port], ["169.254.169.254", 80]]
        targets += [[address, port] for address in _own_addresses()[:20]]
        assert hostile.invoke("connects", {"addresses": targets}).value == []
        socket.create_connection(("127.0.0.1", port)).close()


def _own_addresses() -> list[str]:
    """This machine's addresses, and those of the host's ends of sandboxes' links."""
    text = Path("/proc/net/fib_trie").read_text().splitlines()
    found = {before.split()[-1] for before, line in itertools.pairwise(text) if "host LOCAL" in line}
    return sorted(address for address in found if not address.startswith("127."))


def test_other_environments_are_out_of_reach(hostile: Any) -> None:
    address = hostile.invoke("listens", {"port": 8765}).value
    if address is None:
        pytest.fail("a sandbox has no route out on this machine, so this cannot be shown")
    assert hostile.invoke("connects", {"addresses": [[address, 8765]]}).value == []


def test_the_platforms_endpoint_is_there_but_not_its_console(hostile: Any) -> None:
    environment = hostile.invoke("sees").value["environment"]
    host, port = environment["AWS_ENDPOINT_URL"].removeprefix("http://").split(":")
    event = {"addresses": [[host, int(port)]], "patience_s": 10}
    assert hostile.invoke("connects", event).value == [[host, int(port)]]


def test_background_threads_stand_still_between_invocations(hostile: Any) -> None:
    hostile.invoke("ticks_in_the_background")
    time.sleep(3.0)
    # In freedom it would have ticked 200 times a second; the grace before freezing is short.
    assert hostile.invoke("ticks_in_the_background").value > 1.5


def test_children_left_behind_end_with_their_environment(hostile: Any) -> None:
    # Nobody else's sleep so long: other tests' functions are on the same machine.
    seconds = str(random.randrange(10**8, 10**9))
    hostile.invoke("leaves_children_behind", {"seconds": seconds})
    # They are forked at once, and have their names a moment later.
    eventually(lambda: len(_processes_named(seconds)) == 3, "three children")
    hostile.client.delete_function(FunctionName=hostile.deploy("leaves_children_behind"))
    eventually_none(lambda: _processes_named(seconds), "a process of a deleted function")


def _processes_named(mark: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes()
        except OSError:
            continue
        if mark.encode() in command:
            found.append(str(path))
    return found
