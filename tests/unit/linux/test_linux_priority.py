"""Who has the processor first."""

import os
import threading
from collections.abc import Callable

import pytest

from stoker.linux import priority

ORDINARY = os.SCHED_OTHER


def policy() -> int:
    return os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK


def in_a_thread(look: Callable[[], list[int]]) -> list[int]:
    """What a thread of its own says: priorities are a thread's."""
    said: list[int] = []
    thread = threading.Thread(target=lambda: said.extend(look()))
    thread.start()
    thread.join()
    return said


def of_a_child() -> int:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, bytes([policy()]))
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with open(reading, "rb") as file:
        return file.read()[0]


@pytest.mark.root
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="the only processor is for everybody")
def test_what_goes_first_starts_only_what_is_ordinary() -> None:
    def look() -> list[int]:
        # A kernel may have no part for this group of processes: then nothing has changed.
        went = priority.go_first()
        return [policy() == (os.SCHED_RR if went else ORDINARY), of_a_child(), *in_a_thread(lambda: [policy()])]

    assert in_a_thread(look) == [True, ORDINARY, ORDINARY]
    assert policy() == ORDINARY


def test_on_the_only_processor_nobody_goes_first() -> None:
    def look() -> list[int]:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        return [priority.go_first(), policy()]

    assert in_a_thread(look) == [False, ORDINARY]


def test_who_may_not_goes_on_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    assert priority.go_first() is False
