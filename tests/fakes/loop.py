"""Coroutine tests on the event loop that Stoker runs on, bounded in time."""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any

import uvloop

LIMIT_S = 60.0


def on_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Decorate a coroutine test function; pytest sees its own signature."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(LIMIT_S):
                await test(*args, **kwargs)

        uvloop.run(bounded())

    return run


async def until(condition: Callable[[], object]) -> None:
    """Let the loop turn until `condition` holds; the test's own limit ends a wait that is in vain."""
    while not condition():  # noqa: ASYNC110 - any condition at all, not only those somebody would signal
        await asyncio.sleep(0.0005)
