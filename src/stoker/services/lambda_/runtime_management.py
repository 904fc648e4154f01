"""PutRuntimeManagementConfig and GetRuntimeManagementConfig: which patch version of its runtime a function runs on.

There is one of each runtime, the newest that this machine has when Stoker starts, and functions move to it then: that
is `Auto`. To stay on another one (`FunctionUpdate`, `Manual`) would take several of a runtime.
"""

from collections.abc import Mapping
from typing import Any

from stoker.functions.registry import Registry
from stoker.model.errors import NotBuiltError
from stoker.services.lambda_.naming import locate
from stoker.wire.message import Call

AUTO = "Auto"


class RuntimeManagementOperations:
    """Nothing is kept: there is one setting."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def put_runtime_management_config(self, call: Call) -> Mapping[str, Any]:
        shown = await self.get_runtime_management_config(call)
        wanted = call.params["UpdateRuntimeOn"]
        if wanted != AUTO or call.params.get("RuntimeVersionArn"):
            raise NotBuiltError(
                f"Runtime versions to stay on (UpdateRuntimeOn {wanted}) are not there yet in Stoker: it has one "
                f"version of each runtime, the newest of its machine. {AUTO} is obeyed."
            )
        return shown

    async def get_runtime_management_config(self, call: Call) -> Mapping[str, Any]:
        """Without a RuntimeVersionArn, which AWS shows for `Manual` only."""
        located = locate(call)
        function = (await self._registry.get(located.function, located.qualifier)).function
        arn = function.unqualified_arn
        return {
            "UpdateRuntimeOn": AUTO,
            "FunctionArn": f"{arn}:{located.qualifier}" if located.qualifier else arn,
        }
