"""Whose environments somebody may see: those of functions that the Lambda API would show them."""

import time

from stoker.console.aws import Aws
from stoker.console.aws_models import ApiError

# After so long it is asked anew: a policy that is taken away, or given, shows within that time. An answer takes 1.6 ms
# of CPU, and a refusal is written into the audit log each time.
REMEMBERED_S = 60.0
_MOST = 10_000


class Sight:
    """What one reader may see, asked function by function and remembered for a while."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._known: dict[str, tuple[float, bool]] = {}

    def __repr__(self) -> str:
        return f"<Sight of {len(self._known)} functions>"

    async def sees(self, region: str, function: str) -> bool:
        """Whether GetFunctionConfiguration answers; a function that is gone is nobody's to see."""
        if region != self._aws.region:
            return False
        known = self._known.get(function)
        if known is None or time.monotonic() >= known[0]:
            if len(self._known) >= _MOST:
                self._known.clear()
            known = self._known[function] = time.monotonic() + REMEMBERED_S, await self._ask(function)
        return known[1]

    async def _ask(self, function: str) -> bool:
        try:
            await self._aws.call("lambda", "GetFunctionConfiguration", FunctionName=function)
        except ApiError:
            return False
        return True
