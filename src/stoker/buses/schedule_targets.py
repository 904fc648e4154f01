"""What a schedule's target is sent: templated targets, and what there is of the universal one. Pure.

Source: "Managing targets" in the EventBridge Scheduler User Guide.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stoker.buses import names
from stoker.buses.event import document_of, encode, moment
from stoker.buses.schedule import Schedule
from stoker.deliveries.delivery import Delivery
from stoker.model.errors import NotBuiltError, ValidationException

CALLER = "scheduler.amazonaws.com"
UNIVERSAL = re.compile(r"arn:aws:scheduler:::aws-sdk:([\w.\-]+):(\w+)")
UNIVERSAL_OPERATIONS: Mapping[tuple[str, str], Mapping[str, type]] = {
    ("lambda", "invoke"): {"FunctionName": str},
    ("sqs", "sendMessage"): {"QueueUrl": str, "MessageBody": str},
    ("sns", "publish"): {"TopicArn": str, "Message": str},
    ("eventbridge", "putEvents"): {"Entries": list},
}
"""By service and operation, the members of the input that there must be, and what they are."""

Target = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Firing:
    """One time that a schedule is due: the time that was meant, and an id of its own."""

    schedule: Schedule
    account: str
    scheduled_at: float
    execution_id: str

    @property
    def time(self) -> str:
        return moment(self.scheduled_at)


def check_target(target: Target, service: str | None) -> None:
    """Raises for a target that could not be called; `service` is that of its ARN, None for the universal one."""
    if service == "events" and "EventBridgeParameters" not in target:
        raise ValidationException("EventBridgeParameters must be set for a target that is an event bus.")
    if service == "sqs" and target["Arn"].endswith(".fifo") and "SqsParameters" not in target:
        raise ValidationException("SqsParameters must be set for a target that is a FIFO queue.")
    if service == "kinesis" and "KinesisParameters" not in target:
        raise ValidationException("KinesisParameters must be set for a target that is a Kinesis stream.")
    if service in ("events", "sqs", "sns") and "Input" not in target:
        raise ValidationException("Input must be set for this target.")
    if service == "events":
        _input_object(target["Input"])
    if service is None:
        operation = _universal(target)
        given = _input_object(target.get("Input", "{}"))
        for name, kind in UNIVERSAL_OPERATIONS[operation].items():
            if name not in given:
                raise ValidationException(f"Invalid RequestJson provided. Reason: {name} is missing.")
            if not isinstance(given[name], kind):
                raise ValidationException(f"Invalid RequestJson provided. Reason: {name} is no {kind.__name__}.")


def deliveries(firing: Firing) -> Sequence[Delivery]:
    """What a schedule's target is sent when it is due."""
    target = firing.schedule.document["Target"]
    if UNIVERSAL.fullmatch(target["Arn"]) is not None:
        return _universal_deliveries(firing, target)
    if names.of_arn(target["Arn"], "event-bus") is not None:
        parameters = target["EventBridgeParameters"]
        event = _event(firing, parameters["Source"], parameters["DetailType"], json.loads(_input(firing, target)))
        return [_delivery(firing, target["Arn"], encode(event))]
    group = target.get("SqsParameters", {}).get("MessageGroupId")
    if "KinesisParameters" in target:
        group = target["KinesisParameters"]["PartitionKey"]
    return [_delivery(firing, target["Arn"], _input(firing, target), group_id=group)]


def undeliverable(firing: Firing) -> Delivery:
    """In place of what cannot be made out: the input as it stands, for a target that will not have it.

    So it is given up as what is refused by a target is on AWS: for its dead-letter queue, if it has one.
    """
    target = firing.schedule.document["Target"]
    return _delivery(firing, target["Arn"], target.get("Input") or "")


def _universal(target: Target) -> tuple[str, str]:
    match = UNIVERSAL.fullmatch(target["Arn"])
    operation = (match[1], match[2]) if match is not None else ("", "")
    if operation not in UNIVERSAL_OPERATIONS:
        raise NotBuiltError(f"The universal target {target['Arn']} is not there yet in Stoker.")
    return operation


def _universal_deliveries(firing: Firing, target: Target) -> Sequence[Delivery]:
    given = _input_object(_input(firing, target))
    region, account = firing.schedule.region, firing.account
    match _universal(target):
        case ("lambda", "invoke"):
            name, payload = given["FunctionName"], given.get("Payload", "{}")
            arn = name if name.startswith("arn:") else f"arn:aws:lambda:{region}:{account}:function:{name}"
            return [_delivery(firing, arn, payload if isinstance(payload, str) else encode(payload))]
        case ("sqs", "sendMessage"):
            owner, name = given["QueueUrl"].rstrip("/").split("/")[-2:]
            arn = f"arn:aws:sqs:{region}:{owner if owner.isdecimal() else account}:{name}"
            return [_delivery(firing, arn, given["MessageBody"], group_id=given.get("MessageGroupId"))]
        case ("sns", "publish"):
            return [_delivery(firing, given["TopicArn"], given["Message"], group_id=given.get("MessageGroupId"))]
        case _:
            return [_put_event(firing, entry) for entry in given["Entries"]]


def _put_event(firing: Firing, entry: Mapping[str, Any]) -> Delivery:
    bus = names.bus_name(entry.get("EventBusName"))
    detail = entry.get("Detail", {})
    event = _event(
        firing,
        entry.get("Source", ""),
        entry.get("DetailType", ""),
        json.loads(detail) if isinstance(detail, str) else detail,
    )
    return _delivery(firing, names.bus_arn(firing.schedule.region, firing.account, bus), encode(event))


def _event(firing: Firing, source: str, detail_type: str, detail: Any) -> Mapping[str, Any]:
    """An event that names the schedule."""
    return document_of(
        id=firing.execution_id,
        source=source,
        detail_type=detail_type,
        detail=detail,
        account=firing.account,
        region=firing.schedule.region,
        time=firing.scheduled_at,
        resources=[firing.schedule.arn(firing.account)],
    )


def _input(firing: Firing, target: Target) -> str:
    """The target's input with its context attributes filled in; without one, AWS's notification."""
    text: str | None = target.get("Input")
    if text is None:
        return encode(_event(firing, "aws.scheduler", "Scheduled Event", "{}"))
    attributes = {
        "<aws.scheduler.schedule-arn>": firing.schedule.arn(firing.account),
        "<aws.scheduler.scheduled-time>": firing.time,
        "<aws.scheduler.execution-id>": firing.execution_id,
        # Retries send what was sent first.
        "<aws.scheduler.attempt-number>": "1",
    }
    for name, value in attributes.items():
        text = text.replace(name, value)
    return text


def _input_object(text: str) -> Mapping[str, Any]:
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise ValidationException("Invalid RequestJson provided. Reason: the Input is not a JSON object.")
    return given


def _delivery(firing: Firing, target: str, body: str, *, group_id: str | None = None) -> Delivery:
    return Delivery(
        target=target,
        body=body.encode(errors="replace"),
        caller=CALLER,
        source_arn=names.schedule_group_arn(firing.schedule.region, firing.account, firing.schedule.group_name),
        region=firing.schedule.region,
        account=firing.account,
        group_id=group_id,
        role_arn=firing.schedule.document["Target"]["RoleArn"],
    )
