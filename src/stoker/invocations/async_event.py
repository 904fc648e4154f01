"""An asynchronous invocation on its way: what was asked, and what has become of it so far."""

from msgspec import Struct

from stoker.functions.event_invoke_config import ConfigKey, EventInvokeConfig
from stoker.model.function import LATEST
from stoker.model.invocation import InvokeRequest


class AsyncEvent(Struct, frozen=True, kw_only=True):
    """One event, answered with 202 and not settled. Times are in seconds since the epoch.

    Every run has the same `request_id`. `attempts` are the runs that ended in a function error, `backoffs` the times
    in a row that it could not run.
    """

    request_id: str
    region: str
    function: str
    qualifier: str | None
    payload: bytes
    client_context: str | None
    trace_id: str
    accepted_at: float
    due_at: float
    attempts: int = 0
    backoffs: int = 0

    @property
    def config_key(self) -> ConfigKey:
        """Under which its event invoke config is found."""
        return self.region, self.function, self.qualifier or LATEST

    def request(self) -> InvokeRequest:
        """What the invoker is asked to run."""
        return InvokeRequest(
            region=self.region,
            function=self.function,
            qualifier=self.qualifier,
            payload=self.payload,
            client_context=self.client_context,
            trace_id=self.trace_id,
            request_id=self.request_id,
            queued_at=self.accepted_at,
        )


class HeldEvent(Struct, frozen=True, kw_only=True):
    """An event that this process has a lease on, and the config that held when it was taken."""

    event: AsyncEvent
    config: EventInvokeConfig
