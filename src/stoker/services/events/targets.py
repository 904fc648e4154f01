"""Operations on the targets of rules."""

from collections.abc import Callable, Mapping
from typing import Any

from stoker.buses import names
from stoker.buses.rules import Rules
from stoker.buses.target_input import check_input
from stoker.model.errors import NotBuiltError, ValidationException
from stoker.services.events.buses import refuse
from stoker.services.events.pages import page, start
from stoker.wire.message import Call

_UNBUILT = {
    name: f"Targets with {name}"
    for name in (
        "RunCommandParameters",
        "EcsParameters",
        "BatchParameters",
        "HttpParameters",
        "RedshiftDataParameters",
        "SageMakerPipelineParameters",
        "AppSyncParameters",
    )
}


class TargetOperations:
    """Put, list and remove targets. `takes(service)` says whether there is somebody to deliver to."""

    def __init__(self, rules: Rules, takes: Callable[[str], bool]) -> None:
        self._rules = rules
        self._takes = takes

    async def put_targets(self, call: Call) -> Mapping[str, Any]:
        params = call.params
        for target in params["Targets"]:
            self._check(target)
        await self._rules.put_targets(call.region, _bus(call), params["Rule"], params["Targets"])
        return {"FailedEntryCount": 0, "FailedEntries": []}

    async def list_targets_by_rule(self, call: Call) -> Mapping[str, Any]:
        after, limit = start(call.params)
        found = await self._rules.list_targets(call.region, _bus(call), call.params["Rule"])
        shown, token = page([target for target in found if target["Id"] > after], limit, lambda target: target["Id"])
        return {"Targets": shown, **token}

    async def remove_targets(self, call: Call) -> Mapping[str, Any]:
        params = call.params
        unknown = await self._rules.remove_targets(call.region, _bus(call), params["Rule"], params["Ids"])
        failed = [
            {
                "TargetId": id_,
                "ErrorCode": "ResourceNotFoundException",
                "ErrorMessage": f"Rule {params['Rule']} does not have a target with the Id {id_}.",
            }
            for id_ in unknown
        ]
        return {"FailedEntryCount": len(failed), "FailedEntries": failed}

    def _check(self, target: Mapping[str, Any]) -> None:
        parts = target["Arn"].split(":", 5)
        if len(parts) != 6 or parts[0] != "arn" or not parts[5]:
            raise ValidationException(
                f"Parameter {target['Arn']} is not valid. Reason: Provided Arn is not in correct format."
            )
        refuse(target, _UNBUILT)
        if not (self._takes(parts[2]) and names.can_be_target(target["Arn"])):
            raise NotBuiltError(f"Targets in {parts[2]} ({target['Arn']}) are not there yet in Stoker.")
        if parts[2] == "sqs" and parts[5].endswith(".fifo") and "MessageGroupId" not in target.get("SqsParameters", {}):
            raise ValidationException(f"Parameter(s) SqsParameters must be specified for target: {target['Id']}.")
        check_input(target)


def _bus(call: Call) -> str:
    return names.bus_name(call.params.get("EventBusName"))
