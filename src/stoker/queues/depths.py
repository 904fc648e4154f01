"""How many messages queues have, for those who watch from outside."""

import asyncio
from collections import Counter
from collections.abc import Mapping

from stoker.observability.metrics import MOST_NAMES, OTHER
from stoker.queues.errors import QueueDoesNotExist
from stoker.queues.queues import Queues

LABELS = ("region", "queue", "state")
# Queues looked at in one go, some 4 µs each; then others on the loop come in between.
BREATH = 200


async def depths(queues: Queues) -> Mapping[tuple[str, ...], float]:
    """Messages by `LABELS`. Beyond so many queues the rest are told together."""
    found: Counter[tuple[str, ...]] = Counter()
    for place, queue in enumerate(queues.catalogue.all()):
        if place and place % BREATH == 0:
            await asyncio.sleep(0)
        try:
            tally = queues.tally(queue)
        except QueueDoesNotExist:
            # Deleted in between.
            continue
        name, now = (queue.region, queue.name) if place < MOST_NAMES else (OTHER, OTHER), queues.now()
        found[*name, "visible"] += tally.visible(now)
        found[*name, "in_flight"] += tally.in_flight(now)
        found[*name, "delayed"] += tally.delayed(now)
    return found
