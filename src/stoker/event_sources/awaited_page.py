"""A page of a stream, as soon as there is something on it: woken by what is committed, without polling."""

from collections.abc import Awaitable, Callable, Hashable

from stoker.event_sources.shards import Page
from stoker.model.clock import Clock
from stoker.store.arrivals import Arrivals


async def awaited_page(
    look: Callable[[str], Awaitable[Page]],
    position: str,
    wait_s: float | None,
    *,
    arrivals: Arrivals,
    key: Hashable,
    clock: Clock,
) -> Page:
    """The first page after `position` that has records or is the last; an empty one after `wait_s` (None: never).

    `key` is what `arrivals` call the shard.
    """
    over = None if wait_s is None else clock.monotonic() + wait_s
    with arrivals.watch(key) as arrived:
        # Waiting ends with an arrival, or as if there were one.
        timer = None if wait_s is None else clock.call_later(wait_s, arrived.set)
        try:
            while True:
                arrived.clear()
                page = await look(position)
                if page.records or page.ended or (over is not None and clock.monotonic() >= over):
                    return page
                position = page.position
                await arrived.wait()
        finally:
            if timer is not None:
                timer.cancel()
