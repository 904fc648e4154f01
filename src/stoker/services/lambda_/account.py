"""GetAccountSettings."""

from collections.abc import Mapping
from typing import Any

from stoker.functions.registry import Registry
from stoker.model.limits import MAX_CODE_STORAGE_BYTES, MAX_UNZIPPED_BYTES, MAX_ZIPPED_BYTES
from stoker.wire.message import Call


class AccountOperations:
    """The quotas and what is used of them. `concurrency` is how many invocations may run at once."""

    def __init__(self, registry: Registry, concurrency: int) -> None:
        self._registry = registry
        self._concurrency = concurrency

    async def get_account_settings(self, call: Call) -> Mapping[str, Any]:
        usage = await self._registry.account_usage(call.region)
        return {
            "AccountLimit": {
                "TotalCodeSize": MAX_CODE_STORAGE_BYTES,
                "CodeSizeUnzipped": MAX_UNZIPPED_BYTES,
                "CodeSizeZipped": MAX_ZIPPED_BYTES,
                "ConcurrentExecutions": self._concurrency,
                "UnreservedConcurrentExecutions": self._concurrency,
            },
            "AccountUsage": {"TotalCodeSize": usage.total_code_size, "FunctionCount": usage.function_count},
        }
