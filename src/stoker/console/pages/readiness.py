"""Waiting for a function to be as it was asked for."""

import asyncio

from stoker.console.aws import Aws
from stoker.console.visit import InputError

_LONGEST_S = 60.0
_PAUSE_S = 0.05


async def until_active(aws: Aws, name: str) -> None:
    """Until it can be called with its last change. Raises InputError with the reason if it never will be."""
    try:
        async with asyncio.timeout(_LONGEST_S):
            while True:
                known = await aws.call("lambda", "GetFunctionConfiguration", FunctionName=name)
                state, update = known.get("State", "Active"), known.get("LastUpdateStatus", "Successful")
                if "Failed" in (state, update):
                    reason = known.get("StateReason") or known.get("LastUpdateStatusReason") or "It says not why."
                    raise InputError(f"{name} could not be made ready. {reason}")
                if "Pending" not in state and update != "InProgress":
                    return
                await asyncio.sleep(_PAUSE_S)
    except TimeoutError:
        raise InputError(f"{name} is still being made ready. Look again in a moment.") from None
