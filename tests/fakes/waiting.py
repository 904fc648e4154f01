"""Waiting for something to come true, with an end."""

import time
from collections.abc import Callable
from typing import TypeVar

import pytest

T = TypeVar("T")
_PAUSE_S = 0.01


def eventually(look: Callable[[], T], what: str, *, within_s: float = 10.0) -> T:
    """The first true thing that `look` returns; the test fails with what it saw last if none comes in time."""
    deadline = time.monotonic() + within_s
    while not (seen := look()):
        if time.monotonic() > deadline:
            pytest.fail(f"not within {within_s:g} s: {what}; last seen: {seen!r}")
        time.sleep(_PAUSE_S)
    return seen


def eventually_none(look: Callable[[], list[str]], what: str, *, within_s: float = 10.0) -> None:
    """Wait until `look` finds nothing any more."""
    deadline = time.monotonic() + within_s
    while seen := look():
        if time.monotonic() > deadline:
            pytest.fail(f"after {within_s:g} s there is still {what}: {seen}")
        time.sleep(_PAUSE_S)
