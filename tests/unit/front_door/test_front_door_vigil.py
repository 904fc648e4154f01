"""How long, and how often, the event loop's thread stays awake for what is about to come."""

import asyncio
import itertools
import os
import socket
from types import SimpleNamespace
from typing import Any, cast

import pytest
import uvloop

from stoker.front_door.listening import Bounds, ListenerState
from stoker.front_door.turns import Turns
from stoker.front_door.vigil import LIMIT_S, MOST_SKIPPED, Vigil, always, events_of

STEP_S = LIMIT_S / 10


class World:
    """Something comes at `comes` (seconds), if at all; a look at it takes a step of time."""

    def __init__(self, comes: float = 9.0) -> None:
        self.comes = comes
        self.time = 0.0
        self.looks = 0

    def is_due(self) -> bool:
        self.looks += 1
        self.time += STEP_S
        return self.time >= self.comes

    def looks_of(self, vigil: Vigil) -> int:
        """How often `keep` looked."""
        before, self.time = self.looks, 0.0
        vigil.keep()
        return self.looks - before


def test_it_ends_with_what_was_expected() -> None:
    world = World(comes=3 * STEP_S)
    vigil = Vigil(world.is_due, lambda: world.time)
    assert [world.looks_of(vigil) for _ in range(3)] == [3, 3, 3]


def test_it_lasts_no_longer_than_a_moment() -> None:
    world = World()
    assert 10 <= world.looks_of(Vigil(world.is_due, lambda: world.time)) <= 11


def test_in_vain_it_is_kept_less_and_less_often() -> None:
    world = World()
    vigil = Vigil(world.is_due, lambda: world.time)
    kept = [number for number in range(300) if world.looks_of(vigil)]
    apart = [after - before for before, after in itertools.pairwise(kept)]
    assert apart[:6] == [2, 4, 8, 16, 32, 64]
    assert set(apart[6:]) == {MOST_SKIPPED + 1}


def test_once_it_pays_it_is_kept_each_time() -> None:
    world = World()
    vigil = Vigil(world.is_due, lambda: world.time)
    for _ in range(40):
        world.looks_of(vigil)
    world.comes = 2 * STEP_S
    while not world.looks_of(vigil):
        pass
    assert [world.looks_of(vigil) for _ in range(5)] == [2] * 5
    world.comes = 9.0
    assert world.looks_of(vigil) > 2
    assert [world.looks_of(vigil) for _ in range(2)] == [0, 11]


def test_anything_that_the_loop_watches_is_due() -> None:
    async def look() -> tuple[bool, bool]:
        loop = asyncio.get_running_loop()
        near, far = socket.socketpair()
        near.setblocking(False)
        loop.add_reader(near, lambda: near.recv(9))
        # The loop tells epoll of it in its next turn.
        await asyncio.sleep(0.01)
        is_due = events_of(loop)
        before = bool(is_due())
        far.send(b"x")
        after = bool(is_due())
        loop.remove_reader(near)
        near.close()
        far.close()
        return before, after

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        # On one core nobody waits.
        expected = (False, True) if len(os.sched_getaffinity(0)) > 1 else (True, True)
        assert runner.run(look()) == expected


def test_on_one_core_nobody_is_kept_from_it() -> None:
    cores = os.sched_getaffinity(0)
    loop = uvloop.new_event_loop()
    try:
        os.sched_setaffinity(0, {min(cores)})
        assert events_of(loop) is always
    finally:
        os.sched_setaffinity(0, cores)
        loop.close()


@pytest.mark.parametrize(
    ("running", "waiting", "tasks", "kept"),
    [(1, 0, 0, True), (0, 0, 1, True), (0, 0, 0, False), (2, 0, 0, False), (1, 1, 0, False), (1, 0, 1, False)],
)
def test_it_is_kept_for_the_only_request_there_is(running: int, waiting: int, tasks: int, *, kept: bool) -> None:
    """Nobody waits for one while another could be served: events that are being queued are no reason either."""
    world, turns = World(comes=2 * STEP_S), Turns()
    bounds = Bounds(connections=1, body_bytes=1)
    state = ListenerState(
        bounds, cast(Any, None), cast(Any, None), express=cast(Any, SimpleNamespace(turns=turns)), is_due=world.is_due
    )
    turns.running = running
    turns._waiting.extend([lambda: None] * waiting)
    state.tasks.update(cast(Any, {object() for _ in range(tasks)}))
    state.await_answer(SimpleNamespace(unanswered=False))
    assert not world.looks
    state.await_answer(SimpleNamespace(unanswered=True))
    assert bool(world.looks) is kept
    world.looks = 0
    state.await_request()
    assert bool(world.looks) is kept
