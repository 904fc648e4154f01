"""Functions as targets of deliveries: what arrives becomes an asynchronous invocation."""

from stoker.deliveries.delivery import Delivery
from stoker.invocations.async_queue import AsyncQueue
from stoker.model.arn import parse_function_reference
from stoker.model.errors import ResourceNotFoundException
from stoker.model.invocation import InvokeRequest


class FunctionTarget:
    """Queues deliveries as events of the functions that they are for."""

    def __init__(self, events: AsyncQueue) -> None:
        self._events = events

    async def deliver(self, delivery: Delivery) -> None:
        """Durable as an event when this returns. Raises ResourceNotFoundException where there is no such function."""
        reference = parse_function_reference(delivery.target)
        if reference is None or reference.account != delivery.account or reference.region is None:
            raise ResourceNotFoundException(f"Function not found: {delivery.target}")
        await self._events.accept(
            InvokeRequest(
                region=reference.region,
                function=reference.name,
                qualifier=reference.qualifier,
                payload=delivery.body,
                trace_id=delivery.trace_id,
            )
        )
