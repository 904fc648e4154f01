"""Versions, the aliases that lead to them, and environments that are kept ready for either."""

from collections.abc import Mapping, Sequence
from typing import Any

from stoker.console.aws_models import ApiError
from stoker.console.pages.readiness import until_active
from stoker.console.routing import Route, get, post
from stoker.console.visit import Page, Redirect, Visit


class VersionsPage:
    """Shows them, publishes versions, and moves aliases."""

    def __init__(self) -> None:
        self.routes: Sequence[Route] = [
            get("/functions/{name}/versions", self.show),
            post("/functions/{name}/versions", self.publish),
            post("/functions/{name}/aliases", self.save_alias),
            post("/functions/{name}/aliases/delete", self.delete_alias),
            post("/functions/{name}/provisioned", self.provision),
        ]

    async def show(self, visit: Visit) -> Page:
        name = visit.names["name"]
        known = await visit.aws.call("lambda", "GetFunctionConfiguration", FunctionName=name)
        listed = await visit.aws.pages(
            "lambda", "ListVersionsByFunction", token=("NextMarker", "Marker"), FunctionName=name
        )
        versions = [each for answer in listed for each in answer["Versions"]][::-1]
        aliases = (await visit.aws.call("lambda", "ListAliases", FunctionName=name))["Aliases"]
        context = {
            "function": known,
            "tab": "versions",
            "versions": versions,
            "aliases": aliases,
            "provisioned": await _provisioned(visit, name),
        }
        return Page(template="versions.html", context=context)

    async def publish(self, visit: Visit) -> Redirect:
        """What is in $LATEST, from now on unchanged."""
        name = visit.names["name"]
        made = await visit.aws.call(
            "lambda", "PublishVersion", FunctionName=name, Description=visit.form["description"]
        )
        await until_active(visit.aws, f"{name}:{made['Version']}")
        return _back(name)

    async def save_alias(self, visit: Visit) -> Redirect:
        """A new alias, or one that is there. Part of its calls may go to a second version."""
        name, form = visit.names["name"], visit.form
        share, second = form.number("share", 0), form["second"]
        weights = {second: share / 100} if second and share else {}
        await visit.aws.call(
            "lambda",
            "UpdateAlias" if form["there"] else "CreateAlias",
            FunctionName=name,
            Name=form["alias"],
            FunctionVersion=form["version"],
            RoutingConfig={"AdditionalVersionWeights": weights},
        )
        return _back(name)

    async def delete_alias(self, visit: Visit) -> Redirect:
        name = visit.names["name"]
        await visit.aws.call("lambda", "DeleteAlias", FunctionName=name, Name=visit.form["alias"])
        return _back(name)

    async def provision(self, visit: Visit) -> Redirect:
        """So many environments kept ready; none where it is 0."""
        name, qualifier = visit.names["name"], visit.form["qualifier"]
        many = visit.form.number("many", 0)
        wanted = {"FunctionName": name, "Qualifier": qualifier}
        if many:
            await visit.aws.call(
                "lambda",
                "PutProvisionedConcurrencyConfig",
                **wanted,
                ProvisionedConcurrentExecutions=many,
            )
        else:
            await visit.aws.call("lambda", "DeleteProvisionedConcurrencyConfig", **wanted)
        return _back(name)


def _back(name: str) -> Redirect:
    return Redirect(to=f"/functions/{name}/versions")


async def _provisioned(visit: Visit, name: str) -> Mapping[str, Any]:
    """What is kept ready, by version or alias."""
    try:
        answer = await visit.aws.call("lambda", "ListProvisionedConcurrencyConfigs", FunctionName=name)
    except ApiError:
        return {}
    return {each["FunctionArn"].rpartition(":")[2]: each for each in answer["ProvisionedConcurrencyConfigs"]}
