"""HTTP endpoints as targets: one POST, as `deliveries.outbound` lets it."""

from stoker.deliveries.delivery import Delivery
from stoker.deliveries.outbound import Outbound, OutboundRequest, UnreachableError
from stoker.model.errors import ServiceError

# SNS's own limit for an endpoint's answer.
TIMEOUT_S = 15.0
MAX_ANSWER_BYTES = 65_536


class EndpointRefusedError(ServiceError):
    """The endpoint refused the message."""

    code = "ENDPOINT_REFUSED"
    status = 400


class EndpointFailedError(ServiceError):
    """The endpoint did not take the message; it is tried again."""

    code = "ENDPOINT_FAILED"
    status = 502


class HttpEndpoints:
    """Posts deliveries."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound

    def __repr__(self) -> str:
        return f"<HttpEndpoints by {self._outbound!r}>"

    async def deliver(self, delivery: Delivery) -> None:
        """Raises EndpointFailedError where it may be tried again, and EndpointRefusedError where not."""
        request = OutboundRequest(
            method="POST",
            url=delivery.target,
            headers=list(delivery.attributes.items()),
            body=delivery.body,
            timeout_s=TIMEOUT_S,
            max_answer_bytes=MAX_ANSWER_BYTES,
        )
        try:
            answer = await self._outbound.call(request)
        except UnreachableError as error:
            raise EndpointFailedError(str(error)) from error
        if answer.status >= 500 or answer.status == 429:
            raise EndpointFailedError(f"{delivery.target} answered {answer.status}")
        if not 200 <= answer.status < 300:
            raise EndpointRefusedError(f"{delivery.target} answered {answer.status}")
