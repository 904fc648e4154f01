"""Waiting for something to come true, with an end."""

import time
from collections.abc import Callable
from typing import TypeVar

import pytest

T = TypeVar("T")
# Only what will never come takes so long: a machine may be slow, and others may be at work on it.
PATIENCE_S = 90.0
_PAUSE_S = 0.01


def eventually(look: Callable[[], T], what: str, *, within_s: float = PATIENCE_S) -> T:
    """The first true thing that `look` returns; the test fails with what it saw last if none comes in time."""
    deadline = time.monotonic() + within_s
    while not (seen := look()):
        if time.monotonic() > deadline:
            pytest.fail(f"not within {within_s:g} s: {what}; last seen: {seen!r}")
        time.sleep(_PAUSE_S)
    return seen


def eventually_none(look: Callable[[], list[str]], what: str, *, within_s: float = PATIENCE_S) -> None:
    """Wait until `look` finds nothing any more."""
    deadline = time.monotonic() + within_s
    while seen := look():
        if time.monotonic() > deadline:
            pytest.fail(f"after {within_s:g} s there is still {what}: {seen}")
        time.sleep(_PAUSE_S)
