"""The EventBridge Scheduler API."""

import base64
import contextlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from stoker.buses import names
from stoker.buses.schedule import Document, Schedule
from stoker.buses.schedule_groups import DEFAULT_GROUP, ScheduleGroup, ScheduleGroups
from stoker.buses.schedule_targets import CALLER, UNIVERSAL, check_target
from stoker.buses.schedules import Schedules
from stoker.model.access import AccessTable
from stoker.model.errors import NotBuiltError, ResourceNotFoundException, ValidationException
from stoker.services.scheduler.access import ACCESS
from stoker.wire.message import Call
from stoker.wire.operations import Method, operations_of

_NOTHING: Mapping[str, Any] = {}
# What makes a schedule besides its names.
DOCUMENT_MEMBERS = (
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "StartDate",
    "EndDate",
    "Description",
    "State",
    "Target",
    "FlexibleTimeWindow",
    "ActionAfterCompletion",
)
UNBUILT_TARGET_MEMBERS = (
    "EcsParameters",
    "SageMakerPipelineParameters",
    "EventBridgePutEventsV2Parameters",
    "EventBridgePutRawEventsParameters",
)
DEFAULTS = {"State": "ENABLED", "ScheduleExpressionTimezone": "UTC", "ActionAfterCompletion": "NONE"}
PAGE = 100


class MayAssume(Protocol):
    """Whether a role is there and trusts a service to act as it for its source (`DeliveryAccess.may_assume`)."""

    def __call__(self, role_arn: str, caller: str, /, *, region: str, source_arn: str) -> bool: ...


class SchedulerService:
    """Schedules and groups. `takes(service)` says whether there is somebody to deliver to."""

    name = "scheduler"
    access: AccessTable = ACCESS

    def __init__(
        self, *, schedules: Schedules, groups: ScheduleGroups, takes: Callable[[str], bool], may_assume: MayAssume
    ) -> None:
        self._schedules = schedules
        self._groups = groups
        self._takes = takes
        self._may_assume = may_assume
        self.operations: Mapping[str, Method] = operations_of(self)

    def __repr__(self) -> str:
        return f"<SchedulerService {self._schedules!r}>"

    async def create_schedule(self, call: Call) -> Mapping[str, Any]:
        group, token = call.params.get("GroupName", DEFAULT_GROUP), call.params.get("ClientToken")
        document = self._document(call)
        made = await self._schedules.create(call.region, group, call.params["Name"], document, token)
        return {"ScheduleArn": made.arn(call.account)}

    async def update_schedule(self, call: Call) -> Mapping[str, Any]:
        group = call.params.get("GroupName", DEFAULT_GROUP)
        made = await self._schedules.update(call.region, group, call.params["Name"], self._document(call))
        return {"ScheduleArn": made.arn(call.account)}

    async def get_schedule(self, call: Call) -> Mapping[str, Any]:
        group = call.params.get("GroupName", DEFAULT_GROUP)
        schedule = await self._schedules.get(call.region, group, call.params["Name"])
        return {**_named(call, schedule), **schedule.document, **_dates(schedule.document)}

    async def list_schedules(self, call: Call) -> Mapping[str, Any]:
        params, limit = call.params, call.params.get("MaxResults", PAGE)
        found = await self._schedules.list(
            call.region,
            params.get("GroupName"),
            params.get("NamePrefix", ""),
            _read_token(params.get("NextToken")),
            limit + 1,
            params.get("State"),
        )
        shown = found[:limit]
        token = {"NextToken": _token(shown[-1])} if len(found) > limit else {}
        return {"Schedules": [_summary(call, schedule) for schedule in shown], **token}

    async def delete_schedule(self, call: Call) -> Mapping[str, Any]:
        group = call.params.get("GroupName", DEFAULT_GROUP)
        await self._schedules.delete(call.region, group, call.params["Name"])
        return _NOTHING

    async def create_schedule_group(self, call: Call) -> Mapping[str, Any]:
        name, tags = call.params["Name"], _tags(call.params)
        await self._groups.create(call.region, name, tags, call.params.get("ClientToken"))
        return {"ScheduleGroupArn": names.schedule_group_arn(call.region, call.account, name)}

    async def get_schedule_group(self, call: Call) -> Mapping[str, Any]:
        return _describe_group(call, await self._groups.get(call.region, call.params["Name"]))

    async def list_schedule_groups(self, call: Call) -> Mapping[str, Any]:
        params, limit = call.params, call.params.get("MaxResults", PAGE)
        after = _read_token(params.get("NextToken"))[1]
        found = await self._groups.list(call.region, params.get("NamePrefix", ""), after, limit + 1)
        shown = found[:limit]
        token = {"NextToken": _encode_token("", shown[-1].name)} if len(found) > limit else {}
        return {"ScheduleGroups": [_describe_group(call, group) for group in shown], **token}

    async def delete_schedule_group(self, call: Call) -> Mapping[str, Any]:
        await self._groups.delete(call.region, call.params["Name"])
        return _NOTHING

    async def tag_resource(self, call: Call) -> Mapping[str, Any]:
        await self._groups.tag(call.region, _tagged(call), _tags(call.params))
        return _NOTHING

    async def untag_resource(self, call: Call) -> Mapping[str, Any]:
        await self._groups.tag(call.region, _tagged(call), {}, call.params["TagKeys"])
        return _NOTHING

    async def list_tags_for_resource(self, call: Call) -> Mapping[str, Any]:
        group = await self._groups.get(call.region, _tagged(call))
        return {"Tags": [{"Key": key, "Value": value} for key, value in group.tags.items()]}

    async def resource_tags(self, arn: str) -> Mapping[str, str]:
        """Those of a group, by its ARN: schedules have none."""
        region, name = arn.split(":")[3], arn.partition(":schedule-group/")[2]
        with contextlib.suppress(ResourceNotFoundException):
            return (await self._groups.get(region, name)).tags if name else {}
        return {}

    def _document(self, call: Call) -> Document:
        params = call.params
        if params.get("KmsKeyArn"):
            raise NotBuiltError("Encryption of schedules with a KMS key (KmsKeyArn) is not there yet in Stoker.")
        target = params["Target"]
        for name in UNBUILT_TARGET_MEMBERS:
            if name in target:
                raise NotBuiltError(f"Targets with {name} are not there yet in Stoker.")
        self._check_arn(target)
        self._check_role(call, target["RoleArn"])
        given = {name: params[name] for name in DOCUMENT_MEMBERS if params.get(name) is not None}
        dates: dict[str, float] = {name: given[name].timestamp() for name in ("StartDate", "EndDate") if name in given}
        return {**DEFAULTS, **given, **dates}

    def _check_arn(self, target: Mapping[str, Any]) -> None:
        parts = target["Arn"].split(":", 5)
        if len(parts) != 6 or parts[0] != "arn" or not parts[5]:
            raise ValidationException(f"Provided Arn is not in correct format. Arn: {target['Arn']}")
        service = None if UNIVERSAL.fullmatch(target["Arn"]) else parts[2]
        if service is not None and not (self._takes(service) and names.can_be_target(target["Arn"])):
            raise NotBuiltError(f"Targets in {service} ({target['Arn']}) are not there yet in Stoker.")
        check_target(target, service)

    def _check_role(self, call: Call, role_arn: str) -> None:
        group = names.schedule_group_arn(call.region, call.account, call.params.get("GroupName", DEFAULT_GROUP))
        if not self._may_assume(role_arn, CALLER, region=call.region, source_arn=group):
            raise ValidationException(
                "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
            )


def _named(call: Call, schedule: Schedule) -> Mapping[str, Any]:
    return {
        "Arn": schedule.arn(call.account),
        "GroupName": schedule.group_name,
        "Name": schedule.name,
        "CreationDate": _instant(schedule.created),
        "LastModificationDate": _instant(schedule.modified),
    }


def _summary(call: Call, schedule: Schedule) -> Mapping[str, Any]:
    target = {"Arn": schedule.document["Target"]["Arn"]}
    return {**_named(call, schedule), "State": schedule.document["State"], "Target": target}


def _dates(document: Document) -> Mapping[str, Any]:
    return {name: _instant(document[name]) for name in ("StartDate", "EndDate") if name in document}


def _describe_group(call: Call, group: ScheduleGroup) -> Mapping[str, Any]:
    return {
        "Arn": names.schedule_group_arn(call.region, call.account, group.name),
        "Name": group.name,
        "State": "ACTIVE",
        "CreationDate": _instant(group.created),
        "LastModificationDate": _instant(group.modified),
    }


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _tags(params: Mapping[str, Any]) -> Mapping[str, str]:
    return {tag["Key"]: tag["Value"] for tag in params.get("Tags", ())}


def _tagged(call: Call) -> str:
    arn: str = call.params["ResourceArn"]
    name = arn.partition(":schedule-group/")[2]
    if not name:
        raise ResourceNotFoundException(f"Schedule group {arn} does not exist.")
    return name


def _token(schedule: Schedule) -> str:
    return _encode_token(schedule.group_name, schedule.name)


def _encode_token(group: str, name: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([group, name]).encode()).decode()


def _read_token(token: str | None) -> tuple[str, str]:
    if token is None:
        return "", ""
    try:
        group, name = map(str, json.loads(base64.urlsafe_b64decode(token)))
        f"{group}{name}".encode()
    except (ValueError, TypeError, RecursionError):
        raise ValidationException("Invalid NextToken.") from None
    return group, name
