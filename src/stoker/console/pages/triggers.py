"""A function's triggers: what makes it run, and a dialogue that adds one with all that it needs."""

from collections.abc import Mapping, Sequence
from typing import Any

from stoker.console.aws_models import ApiError
from stoker.console.routing import Route, get, post
from stoker.console.triggers import ADDERS, URL_STATEMENTS, Target, statements
from stoker.console.visit import InputError, Page, Redirect, Visit


class TriggersPage:
    """Shows, adds and removes them."""

    def __init__(self) -> None:
        self.routes: Sequence[Route] = [
            get("/functions/{name}/triggers", self.show),
            post("/functions/{name}/triggers", self.add),
            post("/functions/{name}/triggers/remove", self.remove),
        ]

    async def show(self, visit: Visit) -> Page:
        name = visit.names["name"]
        known = await visit.aws.call("lambda", "GetFunctionConfiguration", FunctionName=name)
        mappings = await visit.aws.call("lambda", "ListEventSourceMappings", FunctionName=name)
        context = {
            "function": known,
            "tab": "triggers",
            "mappings": mappings["EventSourceMappings"],
            "url": await _url(visit, name),
            "callers": [_caller(each) for each in await statements(visit.aws, name)],
            "apis": await _addresses(visit),
            "queues": await _named(visit, "sqs", "ListQueues", "QueueUrls"),
            "buckets": [each["Name"] for each in await _named(visit, "s3", "ListBuckets", "Buckets")],
        }
        return Page(template="triggers.html", context=context)

    async def add(self, visit: Visit) -> Redirect:
        """Raises InputError for a kind that there is not."""
        adder = ADDERS.get(visit.form["kind"])
        if adder is None:
            raise InputError("Choose what is to make it run.")
        known = await visit.aws.call("lambda", "GetFunctionConfiguration", FunctionName=visit.names["name"])
        target = Target(name=known["FunctionName"], arn=known["FunctionArn"], role=known["Role"])
        await adder(visit.aws, target, visit.form)
        return Redirect(to=f"/functions/{target.name}/triggers")

    async def remove(self, visit: Visit) -> Redirect:
        """A mapping, the URL and everybody's leave to open it, or somebody's leave to call.

        What sent the events stays, and sends them to nobody.
        """
        name, form = visit.names["name"], visit.form
        if form["mapping"]:
            await visit.aws.call("lambda", "DeleteEventSourceMapping", UUID=form["mapping"])
        elif form["statement"]:
            await visit.aws.call("lambda", "RemovePermission", FunctionName=name, StatementId=form["statement"])
        else:
            await visit.aws.call("lambda", "DeleteFunctionUrlConfig", FunctionName=name)
            there = {each["Sid"] for each in await statements(visit.aws, name)}
            for statement in URL_STATEMENTS:
                if statement in there:
                    await visit.aws.call("lambda", "RemovePermission", FunctionName=name, StatementId=statement)
        return Redirect(to=f"/functions/{name}/triggers")


async def _url(visit: Visit, name: str) -> Mapping[str, Any] | None:
    try:
        return await visit.aws.call("lambda", "GetFunctionUrlConfig", FunctionName=name)
    except ApiError as error:
        if error.code == "ResourceNotFoundException":
            return None
        raise


async def _addresses(visit: Visit) -> Mapping[str, str]:
    """Where HTTP APIs are reached, by their ids."""
    return {each["ApiId"]: each["ApiEndpoint"] for each in await _named(visit, "apigatewayv2", "GetApis", "Items")}


async def _named(visit: Visit, service: str, operation: str, member: str) -> Sequence[Any]:
    """What there is to choose from; nothing for those who may not list it."""
    try:
        return (await visit.aws.call(service, operation)).get(member, [])  # type: ignore[no-any-return]
    except ApiError:
        return []


def _caller(statement: Mapping[str, Any]) -> Mapping[str, str]:
    """A statement in a reader's words."""
    principal = statement.get("Principal", {})
    who = principal if isinstance(principal, str) else principal.get("Service") or principal.get("AWS") or ""
    condition = statement.get("Condition", {})
    source = next((value["AWS:SourceArn"] for value in condition.values() if "AWS:SourceArn" in value), "")
    if who == "*":
        who = "everybody"
        by_url = any(name.startswith("lambda:") for value in condition.values() for name in value)
        source = "everybody, by its URL" if by_url else ""
    return {"id": statement["Sid"], "who": str(who), "source": str(source), "action": str(statement["Action"])}
