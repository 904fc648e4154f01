"""What there is on top of the platform, in the order in which it is built. An area is a file beside this one."""

from collections.abc import Awaitable, Callable, Sequence

from stoker.serve import (
    buses,
    cloudwatch,
    console,
    deliveries,
    event_sources,
    functions,
    http_apis,
    identity,
    items,
    logs,
    metrics,
    objects,
    queues,
    rest_apis,
    streams,
    topics,
)
from stoker.serve.area import Area
from stoker.serve.platform import Platform

BUILDERS: Sequence[Callable[[Platform], Awaitable[Area]]] = [
    # The first to begin and the last to end: the others put deliveries.
    deliveries.build,
    functions.build,
    logs.build,
    cloudwatch.build,
    metrics.build,
    queues.build,
    objects.build,
    items.build,
    streams.build,
    buses.build,
    topics.build,
    http_apis.build,
    rest_apis.build,
    identity.build,
    console.build,
    # Begins when all sources are there, and ends before they do.
    event_sources.build,
]
