"""Who is told of what happens in a bucket."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import uuid4

from stoker.deliveries.delivery import Delivery
from stoker.deliveries.targets import Targets
from stoker.model.clock import Clock
from stoker.model.errors import NotBuiltError, ServiceError
from stoker.objects import events
from stoker.objects.bucket import Bucket
from stoker.objects.buckets import Buckets
from stoker.objects.errors import InvalidArgument
from stoker.objects.notifications import EVENTS, FAMILIES, UNBUILT, Destination, NotificationRules
from stoker.objects.notifier import NOTIFICATION, Notifier
from stoker.services.s3.words import Members, bucket_of
from stoker.wire.message import Call

CanInvoke = Callable[[Delivery], Awaitable[None]]
# What the API calls a list of configurations, and the destination in each.
_KINDS: Mapping[str, tuple[str, str]] = {
    "LambdaFunctionConfigurations": ("CloudFunction", "LambdaFunctionArn"),
    "QueueConfigurations": ("Queue", "QueueArn"),
    "TopicConfigurations": ("Topic", "TopicArn"),
}
_SERVICES = {"CloudFunction": "lambda", "Queue": "sqs", "Topic": "sns"}
_INVALID = "Unable to validate the following destination configurations"


class NotificationOperations:
    """`can_invoke` raises a ServiceError for a delivery to a function that would not be taken."""

    def __init__(
        self, *, buckets: Buckets, notifier: Notifier, targets: Targets, can_invoke: CanInvoke, clock: Clock
    ) -> None:
        self._buckets = buckets
        self._notifier = notifier
        self._targets = targets
        self._can_invoke = can_invoke
        self._clock = clock

    async def put_bucket_notification_configuration(self, call: Call) -> Members:
        bucket, given = bucket_of(call, self._buckets), call.params["NotificationConfiguration"]
        destinations = [_destination(kind, each) for kind in _KINDS for each in given.get(kind) or ()]
        rules = NotificationRules(destinations=tuple(destinations), event_bus="EventBridgeConfiguration" in given)
        rules.check()
        if not call.params.get("SkipDestinationValidation"):
            known = set(NotificationRules.read(bucket.settings.get(NOTIFICATION)).destinations)
            for each in destinations:
                # AWS tries all of them each time; who has not changed is not told again.
                await self._try(bucket, each, call.request_id, is_known=each in known)
        await self._buckets.set(bucket, NOTIFICATION, rules.document())
        return {}

    async def get_bucket_notification_configuration(self, call: Call) -> Members:
        bucket = bucket_of(call, self._buckets)
        rules = NotificationRules.read(bucket.settings.get(NOTIFICATION))
        found: dict[str, Any] = {
            kind: [_shown(each, member) for each in rules.destinations if each.kind == name] or None
            for kind, (name, member) in _KINDS.items()
        }
        return {**found, "EventBridgeConfiguration": {} if rules.event_bus else None}

    async def _try(self, bucket: Bucket, destination: Destination, request_id: str, *, is_known: bool) -> None:
        """Raises InvalidArgument where what happens could not be told."""
        body = events.test_message(bucket, request_id, self._clock.time())
        delivery = self._notifier.delivery(bucket, destination.target, body)
        try:
            if destination.kind == "CloudFunction":
                await self._can_invoke(delivery)
            elif not is_known:
                await self._targets.deliver(delivery)
        except NotBuiltError:
            raise
        except ServiceError as error:
            raise InvalidArgument(_INVALID, ArgumentName=destination.target, ArgumentValue=error.message) from error


def _destination(kind: str, given: Mapping[str, Any]) -> Destination:
    name, member = _KINDS[kind]
    target = given[member]
    parts = target.split(":")
    if len(parts) < 6 or parts[0] != "arn" or parts[2] != _SERVICES[name]:
        raise InvalidArgument("The ARN could not be parsed", ArgumentName=name, ArgumentValue=target)
    for event in given["Events"]:
        _check_event(event)
    filters = ((given.get("Filter") or {}).get("Key") or {}).get("FilterRules") or ()
    found: dict[str, str] = {}
    for each in filters:
        which = each.get("Name", "").lower()
        if which not in ("prefix", "suffix"):
            raise InvalidArgument("filter rule name must be either prefix or suffix")
        if which in found:
            raise InvalidArgument(f"Cannot specify more than one {which} rule in a filter.")
        found[which] = each.get("Value", "")
    return Destination(
        id=given.get("Id") or str(uuid4()),
        kind=name,
        target=target,
        events=tuple(given["Events"]),
        prefix=found.get("prefix"),
        suffix=found.get("suffix"),
    )


def _check_event(event: str) -> None:
    name = event.removeprefix("s3:")
    if event.startswith("s3:") and (name in EVENTS or name in FAMILIES):
        return
    if event.startswith("s3:") and name.startswith(UNBUILT):
        raise NotBuiltError(f"What {event} tells of is not there yet in Stoker.")
    raise InvalidArgument("A specified event is not supported for notifications.", ArgumentName="Event")


def _shown(destination: Destination, member: str) -> Members:
    rules = [
        {"Name": name, "Value": value}
        # AWS shows them with a capital letter, however they were sent.
        for name, value in (("Prefix", destination.prefix), ("Suffix", destination.suffix))
        if value is not None
    ]
    return {
        "Id": destination.id,
        member: destination.target,
        "Events": list(destination.events),
        "Filter": {"Key": {"FilterRules": rules}} if rules else None,
    }
