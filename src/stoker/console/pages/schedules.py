"""Schedules: rules of EventBridge that have one, and those of EventBridge Scheduler."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from stoker.console.aws_models import ApiError
from stoker.console.routing import Route, get, post
from stoker.console.visit import Page, Redirect, Visit

# Each costs a call of its own, for what a list does not tell.
SHOWN = 50
# What GetSchedule tells besides what UpdateSchedule takes.
_ANSWERED = ("Arn", "CreationDate", "LastModificationDate", "ResponseMetadata")


class SchedulePages:
    """The list, with switches."""

    def __init__(self) -> None:
        self.routes: Sequence[Route] = [
            get("/schedules", self.show),
            post("/schedules/switch", self.switch),
            post("/schedules/event", self.put_event),
        ]

    async def show(self, visit: Visit) -> Page:
        """Rules first; the schedules after `from` are a page of their own."""
        after = visit.query.get("from", "")
        rules = [] if after else await _timed_rules(visit)
        token = {"NextToken": after} if after else {}
        listed = await visit.aws.call("scheduler", "ListSchedules", MaxResults=SHOWN, **token)
        context = {
            "section": "schedules",
            "rules": rules,
            "targets": dict(zip([rule["Name"] for rule in rules], await _each(_targets, visit, rules), strict=True)),
            "schedules": await _each(_schedule, visit, listed["Schedules"]),
            "following": listed.get("NextToken"),
        }
        return Page(template="schedules.html", context=context)

    async def switch(self, visit: Visit) -> Redirect:
        """On or off."""
        form, aws = visit.form, visit.aws
        if form["schedule"]:
            known = await aws.call("scheduler", "GetSchedule", Name=form["schedule"], GroupName=form["group"])
            kept = {name: value for name, value in known.items() if name not in _ANSWERED}
            state = "ENABLED" if form["on"] else "DISABLED"
            await aws.call("scheduler", "UpdateSchedule", **{**kept, "State": state})
        else:
            await aws.call("events", "EnableRule" if form["on"] else "DisableRule", Name=form["rule"])
        return Redirect(to="/schedules")

    async def put_event(self, visit: Visit) -> Page:
        """Onto the default bus, for rules that wait for such."""
        form = visit.form
        entry = {"Source": form["source"], "DetailType": form["detail-type"], "Detail": form["detail"] or "{}"}
        answer = await visit.aws.call("events", "PutEvents", Entries=[entry])
        failed = answer["Entries"][0].get("ErrorMessage")
        if failed:
            return Page(template="refusal.html", context={"error": failed}, status=400)
        return Page(template="done.html", context={"done": f"Put as {answer['Entries'][0]['EventId']}."})


async def _timed_rules(visit: Visit) -> Sequence[Mapping[str, Any]]:
    pages = await visit.aws.pages("events", "ListRules", token=("NextToken", "NextToken"))
    return [rule for page in pages for rule in page["Rules"] if rule.get("ScheduleExpression")]


async def _each(look: Any, visit: Visit, items: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
    return await asyncio.gather(*(look(visit, item) for item in items))


async def _targets(visit: Visit, rule: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    told: Sequence[Mapping[str, Any]] = (await visit.aws.call("events", "ListTargetsByRule", Rule=rule["Name"]))[
        "Targets"
    ]
    return told


async def _schedule(visit: Visit, listed: Mapping[str, Any]) -> Mapping[str, Any]:
    """With what the list does not tell; as listed for those who may do no more than list."""
    try:
        return await visit.aws.call("scheduler", "GetSchedule", Name=listed["Name"], GroupName=listed["GroupName"])
    except ApiError:
        return listed
