"""GetAccountSettings."""

from collections.abc import Mapping
from typing import Any

from stoker.functions.registry import Registry
from stoker.model.limits import MAX_CODE_STORAGE_BYTES, MAX_UNZIPPED_BYTES, MAX_ZIPPED_BYTES
from stoker.wire.message import Call


class AccountOperations:
    """The quotas and what is used of them."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def get_account_settings(self, call: Call) -> Mapping[str, Any]:
        usage = await self._registry.account_usage(call.region)
        return {
            "AccountLimit": {
                "TotalCodeSize": MAX_CODE_STORAGE_BYTES,
                "CodeSizeUnzipped": MAX_UNZIPPED_BYTES,
                "CodeSizeZipped": MAX_ZIPPED_BYTES,
                "ConcurrentExecutions": self._registry.reservations.account_limit,
                "UnreservedConcurrentExecutions": await self._registry.concurrency.unreserved(call.region),
            },
            "AccountUsage": {"TotalCodeSize": usage.total_code_size, "FunctionCount": usage.function_count},
        }
