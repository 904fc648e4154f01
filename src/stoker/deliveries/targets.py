"""Who takes deliveries: one function for each service that can be a target."""

from collections.abc import Awaitable, Callable

from stoker.deliveries.delivery import Delivery
from stoker.model.errors import NotBuiltError

Deliver = Callable[[Delivery], Awaitable[None]]
# Raises AccessDeniedException where neither the target's policy nor the delivery's role allows it.
Authorise = Callable[[Delivery], Awaitable[None]]


async def allow(_delivery: Delivery) -> None:
    """Let everybody deliver everything."""


class Targets:
    """By the service in a target's ARN (`lambda`, `sqs`, …), or the scheme of its URL (`https`)."""

    def __init__(self, authorise: Authorise = allow) -> None:
        self._authorise = authorise
        self._takers: dict[str, Deliver] = {}

    def __repr__(self) -> str:
        return f"<Targets {' '.join(sorted(self._takers))}>"

    def register(self, service: str, deliver: Deliver) -> None:
        """`deliver` returns once the delivery is durable at its target.

        It raises a ServiceError of status 429, 409 or 5xx, or anything that is none, where it may be tried again
        later, and other ServiceErrors where that would not help: nobody is there, or the target's policy says no.
        """
        self._takers[service] = deliver

    def takes(self, service: str) -> bool:
        """Whether there is somebody for such targets."""
        return service in self._takers

    async def deliver(self, delivery: Delivery) -> None:
        """Hand over one delivery, if it may be made; durable when this returns. Raises what its target does."""
        deliver = self._takers.get(delivery.service)
        if deliver is None:
            raise NotBuiltError(f"Delivery to {delivery.target} is not there yet in Stoker.")
        await self._authorise(delivery)
        await deliver(delivery)
