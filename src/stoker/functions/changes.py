"""Tells the parts above that a function changed."""

from collections.abc import Callable

Listener = Callable[[str, str], None]


class Changes:
    """Calls its listeners, in the order in which they came, with the region and name of a function that changed.

    Announced after the change is durable, on the event loop's thread.
    """

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def subscribe(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def announce(self, region: str, name: str) -> None:
        for listener in self._listeners:
            listener(region, name)
