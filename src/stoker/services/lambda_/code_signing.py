"""Functions' code signing configs: none has one, since to make one (CreateCodeSigningConfig) is not there yet."""

from collections.abc import Mapping
from typing import Any

from stoker.functions.registry import Registry
from stoker.model.errors import CodeSigningConfigNotFoundException
from stoker.services.lambda_.naming import locate
from stoker.wire.message import Call, Result


class CodeSigningOperations:
    """What Terraform and others read back, set and take away."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def get_function_code_signing_config(self, call: Call) -> Mapping[str, Any]:
        """Without a config, for which Terraform wants an empty member."""
        function = locate(call).function
        await self._registry.get(function, None)
        return {"CodeSigningConfigArn": "", "FunctionName": function.name}

    async def put_function_code_signing_config(self, call: Call) -> Mapping[str, Any]:
        raise CodeSigningConfigNotFoundException(
            "The code signing configuration cannot be found. Check that the provided configuration is not deleted: "
            f"{call.params['CodeSigningConfigArn']}."
        )

    async def delete_function_code_signing_config(self, call: Call) -> Result:
        """There is nothing to delete, which AWS is content with."""
        await self._registry.get(locate(call).function, None)
        return Result(members={}, status=204)
