"""Events that failed for good, on their way to the function's dead-letter queue. Pure.

Source: "Adding a dead-letter queue" in the AWS Lambda Developer Guide: the event as it was, and why in attributes.
"""

import json
from dataclasses import dataclass

from stoker.deliveries.delivery import Delivery
from stoker.invocations import trace
from stoker.invocations.async_event import AsyncEvent
from stoker.invocations.destinations import CALLER
from stoker.invocations.retries import SUCCESS, Over
from stoker.model.arn import function_arn

# "The first 1 KB of the error message."
MAX_MESSAGE_CHARS = 1_024
RAN, DID_NOT_RUN = 200, 429


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadEvent:
    """An event that failed for good; where it goes is not known yet."""

    event: AsyncEvent
    account: str
    error_code: int
    error_message: str

    def to(self, target: str) -> Delivery:
        """Its way to a queue or topic."""
        source_arn = function_arn(self.event.region, self.account, self.event.function)
        return Delivery(
            target=target,
            body=self.event.payload,
            caller=CALLER,
            source_arn=source_arn,
            region=self.event.region,
            account=self.account,
            attributes={
                "RequestID": self.event.request_id,
                "ErrorCode:Number": str(self.error_code),
                "ErrorMessage": self.error_message,
            },
            trace_id=trace.step(self.event.trace_id, source_arn).header,
        )


def is_one(delivery: Delivery) -> bool:
    """Whether a delivery of Lambda's is a dead letter; else it is for a destination."""
    return "ErrorCode:Number" in delivery.attributes


def of(event: AsyncEvent, over: Over, *, account: str) -> DeadEvent | None:
    """What is left of an event that is over; None where it went well."""
    if over.condition == SUCCESS:
        return None
    if over.result is None:
        return DeadEvent(event=event, account=account, error_code=DID_NOT_RUN, error_message=over.condition)
    message = _message(over.result.payload)[:MAX_MESSAGE_CHARS] or over.condition
    return DeadEvent(event=event, account=account, error_code=RAN, error_message=message)


def _message(payload: bytes) -> str:
    """What the function's error says."""
    try:
        answer = json.loads(payload)
    except (ValueError, RecursionError):
        return payload.decode(errors="replace")
    message = answer.get("errorMessage") if isinstance(answer, dict) else None
    return message if isinstance(message, str) else ""
