"""The Security Token Service."""

from collections.abc import Mapping
from typing import Any

from stoker.wire.message import Call


class StsService:
    """What a verified signature says of its caller."""

    name = "sts"

    async def get_caller_identity(self, call: Call) -> Mapping[str, Any]:
        principal = call.principal
        return {"UserId": principal.user_id, "Account": principal.account, "Arn": principal.arn}
