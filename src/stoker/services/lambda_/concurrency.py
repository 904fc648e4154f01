"""Reserved and provisioned concurrency."""

from collections.abc import Mapping
from typing import Any, Protocol

from stoker.environments.allocation import ProvisionedState
from stoker.functions.concurrency import Concurrency, ProvisionedConfig
from stoker.model.arn import FunctionId
from stoker.model.errors import InvalidParameterValueException
from stoker.model.limits import LIST_PAGE_ITEMS
from stoker.services.lambda_.configuration_words import lambda_time
from stoker.services.lambda_.naming import locate
from stoker.wire.message import Call, Result


class KnowsProvisioned(Protocol):
    """What this needs of `environments.Provisioning`."""

    def state(self, function: FunctionId, config: ProvisionedConfig) -> ProvisionedState: ...


class ReservedOperations:
    """What a function has for itself."""

    def __init__(self, concurrency: Concurrency) -> None:
        self._concurrency = concurrency

    async def put_function_concurrency(self, call: Call) -> Mapping[str, Any]:
        count = call.params["ReservedConcurrentExecutions"]
        await self._concurrency.reserve(_unqualified(call), count)
        return {"ReservedConcurrentExecutions": count}

    async def get_function_concurrency(self, call: Call) -> Mapping[str, Any]:
        return {"ReservedConcurrentExecutions": await self._concurrency.require_reserved(_unqualified(call))}

    async def delete_function_concurrency(self, call: Call) -> Result:
        await self._concurrency.unreserve(_unqualified(call))
        return Result(members={}, status=204)


class ProvisionedOperations:
    """What a version or an alias has ready."""

    def __init__(self, concurrency: Concurrency, provisioning: KnowsProvisioned) -> None:
        self._concurrency = concurrency
        self._provisioning = provisioning

    async def put_provisioned_concurrency_config(self, call: Call) -> Mapping[str, Any]:
        function = locate(call).function
        count = call.params["ProvisionedConcurrentExecutions"]
        config = await self._concurrency.provision(function, call.params["Qualifier"], count)
        return self._members(function, config)

    async def get_provisioned_concurrency_config(self, call: Call) -> Mapping[str, Any]:
        function = locate(call).function
        return self._members(function, await self._concurrency.provisioned(function, call.params["Qualifier"]))

    async def list_provisioned_concurrency_configs(self, call: Call) -> Mapping[str, Any]:
        function = _unqualified(call)
        page = await self._concurrency.list_provisioned(
            function, call.params.get("Marker"), call.params.get("MaxItems", LIST_PAGE_ITEMS)
        )
        configs = [
            {"FunctionArn": function.arn(config.qualifier), **self._members(function, config)} for config in page.items
        ]
        return {"ProvisionedConcurrencyConfigs": configs, "NextMarker": page.next_marker}

    async def delete_provisioned_concurrency_config(self, call: Call) -> Result:
        await self._concurrency.unprovision(locate(call).function, call.params["Qualifier"])
        return Result(members={}, status=204)

    def _members(self, function: FunctionId, config: ProvisionedConfig) -> dict[str, Any]:
        state = self._provisioning.state(function, config)
        return {
            "RequestedProvisionedConcurrentExecutions": config.count,
            "AvailableProvisionedConcurrentExecutions": state.available,
            "AllocatedProvisionedConcurrentExecutions": state.available,
            "Status": state.status,
            "StatusReason": state.reason,
            "LastModified": lambda_time(config.modified),
        }


def _unqualified(call: Call) -> FunctionId:
    located = locate(call)
    if located.qualifier is not None:
        raise InvalidParameterValueException(
            "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. "
            "Please specify either a function name or an unqualified function ARN."
        )
    return located.function
