"""A function that takes what the machine or Stoker has only so much of leaves enough for everybody else."""

import ctypes
import os
from pathlib import Path
from typing import Any

import pytest

from fakes.live_server import LiveServer

pytestmark = [pytest.mark.root, pytest.mark.usefixtures("neighbour")]

RUNTIME_API_PORT, ENDPOINT_PORT = 9001, 4566
MB = 1 << 20


def test_the_machines_asynchronous_io_is_not_to_be_had(greedy: Any) -> None:
    assert greedy.invoke("takes_asynchronous_io", {"events": 1}).value == "ENOSYS"


def test_a_function_has_the_processor_as_all_others_have_and_cannot_go_first(greedy: Any) -> None:
    told = greedy.invoke("goes_first").value
    assert told["policy"] == os.SCHED_OTHER
    assert None not in told["refusals"]


def test_pairs_of_sockets_of_odd_families_are_refused(greedy: Any) -> None:
    assert set(greedy.invoke("pairs_odd_sockets").value.values()) == {"EAFNOSUPPORT"}


def test_a_function_that_watches_all_it_may_leaves_the_machine_and_others_their_watches(greedy: Any) -> None:
    first = greedy.invoke("takes_inotify_instances", Description="first").value
    assert 0 < first < 1000
    assert _inotify_works_here()
    assert greedy.invoke("takes_inotify_instances", Description="second").value == first


@pytest.mark.parametrize("port", [RUNTIME_API_PORT, ENDPOINT_PORT])
def test_a_function_that_holds_connections_takes_few_of_stokers_descriptors(
    greedy: Any, live_server: LiveServer, port: int
) -> None:
    before = _descriptors(live_server)
    assert greedy.invoke("holds_connections", {"port": port}).value > 100
    assert _descriptors(live_server) - before < 300


@pytest.mark.parametrize("port", [RUNTIME_API_PORT, ENDPOINT_PORT])
def test_requests_behind_one_that_is_not_yet_answered_are_not_served(greedy: Any, port: int) -> None:
    assert greedy.invoke("sends_without_listening", {"port": port}).value <= 1


def test_bodies_that_never_end_take_little_of_stokers_memory(greedy: Any, live_server: LiveServer) -> None:
    before = _resident_bytes(live_server)
    greedy.invoke("sends_bodies_without_end", {"port": ENDPOINT_PORT, "connections": 20})
    assert _resident_bytes(live_server) - before < 64 * MB


def _inotify_works_here() -> bool:
    descriptor = ctypes.CDLL(None).inotify_init1(0)
    if descriptor >= 0:
        os.close(descriptor)
    return bool(descriptor >= 0)


def _descriptors(server: LiveServer) -> int:
    assert server.process is not None
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def _resident_bytes(server: LiveServer) -> int:
    assert server.process is not None
    pages = Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
