"""Schedules: rules of EventBridge that have one, and those of EventBridge Scheduler."""

from collections.abc import Sequence

from stoker.console.routing import Route, get, post
from stoker.console.visit import Page, Redirect, Visit


class SchedulePages:
    """The list, with switches."""

    def __init__(self) -> None:
        self.routes: Sequence[Route] = [
            get("/schedules", self.show),
            post("/schedules/switch", self.switch),
            post("/schedules/event", self.put_event),
        ]

    async def show(self, visit: Visit) -> Page:
        rules = (await visit.aws.call("events", "ListRules", Limit=100))["Rules"]
        timed = [rule for rule in rules if rule.get("ScheduleExpression")]
        targets = {
            rule["Name"]: (await visit.aws.call("events", "ListTargetsByRule", Rule=rule["Name"]))["Targets"]
            for rule in timed
        }
        schedules = (await visit.aws.call("scheduler", "ListSchedules", MaxResults=100))["Schedules"]
        context = {"section": "schedules", "rules": timed, "targets": targets, "schedules": schedules}
        return Page(template="schedules.html", context=context)

    async def switch(self, visit: Visit) -> Redirect:
        """On or off."""
        operation = "EnableRule" if visit.form["on"] else "DisableRule"
        await visit.aws.call("events", operation, Name=visit.form["rule"])
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
