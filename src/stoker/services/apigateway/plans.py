"""API keys, usage plans, and how much of them is used."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from stoker.apis.errors import BadRequestException
from stoker.apis.rest.usage import Usage, left_of
from stoker.apis.rest.usage_plans import UsagePlans
from stoker.services.apigateway.words import NOTHING, Answer, given, operations, shown
from stoker.wire.message import Call

MAX_DAYS = 90


class PlanOperations:
    def __init__(self, plans: UsagePlans, usage: Usage) -> None:
        self._plans = plans
        self._usage = usage

    async def create_api_key(self, call: Call) -> Answer:
        return shown(await self._plans.create_key(call.region, call.params))

    async def get_api_key(self, call: Call) -> Answer:
        key = await self._plans.key(call.region, call.params["apiKey"])
        return _shown_key(key, bool(call.params.get("includeValue")))

    async def get_api_keys(self, call: Call) -> Answer:
        params = call.params
        page = await self._plans.keys(
            call.region, params.get("nameQuery"), params.get("customerId"), params.get("position"), params.get("limit")
        )
        with_value = bool(params.get("includeValues"))
        return {"items": [_shown_key(key, with_value) for key in page.items], "position": page.position}

    async def update_api_key(self, call: Call) -> Answer:
        return _shown_key(await self._plans.change_key(call.region, call.params["apiKey"], operations(call)), False)

    async def delete_api_key(self, call: Call) -> Answer:
        await self._plans.delete_key(call.region, call.params["apiKey"])
        return NOTHING

    async def create_usage_plan(self, call: Call) -> Answer:
        return shown(await self._plans.create_plan(call.region, given(call)))

    async def get_usage_plan(self, call: Call) -> Answer:
        return shown(await self._plans.plan(call.region, call.params["usagePlanId"]))

    async def get_usage_plans(self, call: Call) -> Answer:
        params = call.params
        page = await self._plans.plans(call.region, params.get("keyId"), params.get("position"), params.get("limit"))
        return {"items": [shown(plan) for plan in page.items], "position": page.position}

    async def update_usage_plan(self, call: Call) -> Answer:
        return shown(await self._plans.change_plan(call.region, call.params["usagePlanId"], operations(call)))

    async def delete_usage_plan(self, call: Call) -> Answer:
        await self._plans.delete_plan(call.region, call.params["usagePlanId"])
        return NOTHING

    async def create_usage_plan_key(self, call: Call) -> Answer:
        params = call.params
        return await self._plans.add_key(call.region, params["usagePlanId"], params["keyId"], params["keyType"])

    async def get_usage_plan_key(self, call: Call) -> Answer:
        return await self._plans.plan_key(call.region, call.params["usagePlanId"], call.params["keyId"])

    async def get_usage_plan_keys(self, call: Call) -> Answer:
        params = call.params
        page = await self._plans.plan_keys(
            call.region, params["usagePlanId"], params.get("nameQuery"), params.get("position"), params.get("limit")
        )
        return page.members

    async def delete_usage_plan_key(self, call: Call) -> Answer:
        await self._plans.remove_key(call.region, call.params["usagePlanId"], call.params["keyId"])
        return NOTHING

    async def get_usage(self, call: Call) -> Answer:
        """By key and day: how often it was used, and how much was left of the quota."""
        params = call.params
        plan = await self._plans.plan(call.region, params["usagePlanId"])
        days = _days(params["startDate"], params["endDate"])
        page = await self._plans.plan_keys(call.region, plan["id"], None, params.get("position"), params.get("limit"))
        keys = [key["id"] for key in page.items if params.get("keyId") in (None, key["id"])]
        used = await self._usage.used(call.region, plan["id"], keys)
        return {
            "usagePlanId": plan["id"],
            "startDate": params["startDate"],
            "endDate": params["endDate"],
            "items": {
                key: [[counts.get(day.isoformat(), 0), left_of(plan.get("quota"), counts, day)] for day in days]
                for key, counts in used.items()
            },
            "position": page.position,
        }


def _shown_key(key: Mapping[str, Any], with_value: bool) -> dict[str, Any]:
    return {name: value for name, value in shown(key).items() if with_value or name != "value"}


def _days(begin: str, end: str) -> list[date]:
    try:
        first, last = date.fromisoformat(begin), date.fromisoformat(end)
    except ValueError:
        raise BadRequestException("Usage start and end dates have the form YYYY-MM-DD.") from None
    if not 0 <= (last - first).days < MAX_DAYS:
        raise BadRequestException(f"Usage end date must be at most {MAX_DAYS} days after the start date.")
    return [first + timedelta(days=each) for each in range((last - first).days + 1)]
