"""What a function is run with: memory, time, variables, layers, and how many at once."""

from collections.abc import Mapping, Sequence
from typing import Any

from stoker.console.aws_models import ApiError
from stoker.console.pages.readiness import until_active
from stoker.console.routing import Route, get, post
from stoker.console.visit import InputError, Page, Redirect, Visit
from stoker.functions.runtimes import RuntimeCatalogue


class ConfigurationPage:
    """Shows and changes a function's configuration."""

    def __init__(self, runtimes: RuntimeCatalogue) -> None:
        self._runtimes = runtimes
        self.routes: Sequence[Route] = [
            get("/functions/{name}/configuration", self.show),
            post("/functions/{name}/configuration", self.save),
            post("/functions/{name}/variables", self.save_variables),
            get("/functions/{name}/variables", self.reveal),
            post("/functions/{name}/concurrency", self.save_concurrency),
        ]

    async def show(self, visit: Visit) -> Page:
        """Variables without their values."""
        name = visit.names["name"]
        known = await visit.aws.call("lambda", "GetFunctionConfiguration", FunctionName=name)
        context = {
            "function": known,
            "tab": "configuration",
            "runtimes": self._runtimes.all(),
            "variables": sorted(known.get("Environment", {}).get("Variables", {})),
            "reserved": await _reserved(visit, name),
            "layers": await _layers(visit),
            "used": [each["Arn"] for each in known.get("Layers", ())],
        }
        return Page(template="configuration.html", context=context)

    async def save(self, visit: Visit) -> Redirect:
        """What the first form has: all but variables and concurrency."""
        name, form = visit.names["name"], visit.form
        await visit.aws.call(
            "lambda",
            "UpdateFunctionConfiguration",
            FunctionName=name,
            RevisionId=form["revision"],
            Description=form["description"],
            Runtime=form["runtime"],
            Handler=form["handler"],
            Role=form["role"],
            MemorySize=form.number("memory", 128),
            Timeout=form.number("timeout", 3),
            EphemeralStorage={"Size": form.number("disk", 512)},
            Layers=[each for each in form.all("layer") if each],
        )
        await until_active(visit.aws, name)
        return Redirect(to=f"/functions/{name}/configuration")

    async def save_variables(self, visit: Visit) -> Redirect:
        """A value that nothing was typed for stays as it is, where the variable was there before."""
        name, form = visit.names["name"], visit.form
        known = await visit.aws.call("lambda", "GetFunctionConfiguration", FunctionName=name)
        before: Mapping[str, str] = known.get("Environment", {}).get("Variables", {})
        named = zip(form.all("variable"), form.all("value"), form.all("was"), strict=True)
        variables = {}
        for variable, value, was in named:
            if not variable.strip():
                continue
            if variable.strip() in variables:
                raise InputError(f"{variable.strip()} is there twice.")
            variables[variable.strip()] = value or before.get(was, "")
        await visit.aws.call(
            "lambda",
            "UpdateFunctionConfiguration",
            FunctionName=name,
            RevisionId=form["revision"],
            Environment={"Variables": variables},
        )
        await until_active(visit.aws, name)
        return Redirect(to=f"/functions/{name}/configuration")

    async def reveal(self, visit: Visit) -> Page:
        """The variables with their values, for those who ask."""
        known = await visit.aws.call("lambda", "GetFunctionConfiguration", FunctionName=visit.names["name"])
        variables = known.get("Environment", {}).get("Variables", {})
        return Page(template="variables.html", context={"variables": sorted(variables), "values": variables})

    async def save_concurrency(self, visit: Visit) -> Redirect:
        """Empty is as many as the account has."""
        name = visit.names["name"]
        if visit.form["reserved"]:
            reserved = visit.form.number("reserved", 0)
            await visit.aws.call(
                "lambda", "PutFunctionConcurrency", FunctionName=name, ReservedConcurrentExecutions=reserved
            )
        else:
            await visit.aws.call("lambda", "DeleteFunctionConcurrency", FunctionName=name)
        return Redirect(to=f"/functions/{name}/configuration")


async def _reserved(visit: Visit, name: str) -> int | None:
    try:
        answer = await visit.aws.call("lambda", "GetFunctionConcurrency", FunctionName=name)
    except ApiError:
        return None
    return answer.get("ReservedConcurrentExecutions")


async def _layers(visit: Visit) -> list[Mapping[str, Any]]:
    """The latest version of each layer; none for those who may not list them."""
    try:
        return list((await visit.aws.call("lambda", "ListLayers"))["Layers"])
    except ApiError:
        return []
