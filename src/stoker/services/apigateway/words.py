"""What the operations share: where a call is made, and which of its members are kept."""

from collections.abc import Mapping
from typing import Any

from stoker.model.access import Where
from stoker.wire.message import Call

Answer = Mapping[str, Any]
NOTHING: Answer = {}


def where(call: Call) -> Where:
    return Where(region=call.region, account=call.account)


def given(call: Call, *but: str) -> dict[str, Any]:
    """A call's parameters without those that name what it is about."""
    return {name: value for name, value in call.params.items() if name not in but and value is not None}


def operations(call: Call) -> list[Mapping[str, Any]]:
    return list(call.params.get("patchOperations") or [])


def shown(item: Mapping[str, Any]) -> Answer:
    """AWS leaves out tags where there are none."""
    return {name: value for name, value in item.items() if name != "tags" or value}
