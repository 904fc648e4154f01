"""Deployed APIs in memory: read once, and anew after a change; and what deploys by itself."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from fakes.loop import until
from stoker.apis.errors import BadRequestException, ConflictException
from stoker.apis.http.api_rules import check_api, quick_create
from stoker.apis.http.deployed import DeployedApis
from stoker.apis.http.deployments import DEPLOYMENTS, deploy_automatically
from stoker.apis.http.draft import DEPLOYMENT, STAGE, Draft, Snapshot
from stoker.apis.http.integrations import INTEGRATIONS
from stoker.apis.http.routes import ROUTES
from stoker.apis.http.stages import STAGES

TARGET = "arn:aws:lambda:us-east-1:000000000000:function:hello"


def draft_of(**members: Any) -> Draft:
    return Draft(check_api({"ApiId": "abc", "Name": "n", "ProtocolType": "HTTP", **members}, None), {})


class FakeApis:
    """One API with a stage; counts how often it is read, and waits where it is told to."""

    def __init__(self) -> None:
        self.reads = 0
        self.draft = draft_of()
        quick_create(self.draft, {"Target": TARGET}, 0.0)
        deploy_automatically(self.draft, 0.0)
        self.changed: Callable[[str], None] = lambda _api_id: None

    def watch(self, watcher: Callable[[str], None]) -> None:
        self.changed = watcher

    async def deployed(self, region: str, api_id: str) -> tuple[Draft, Mapping[str, Snapshot]]:
        self.reads += 1
        await asyncio.sleep(0)
        return self.draft, self.draft.snapshots


def test_a_warm_call_reads_no_database_and_many_at_once_read_it_once() -> None:
    async def scenario() -> None:
        apis = FakeApis()
        deployed = DeployedApis(apis)  # type: ignore[arg-type]
        found = await asyncio.gather(*(deployed.get("us-east-1", "abc") for _ in range(10)))
        assert await deployed.get("us-east-1", "abc") is found[0] and apis.reads == 1
        apis.changed("abc")
        assert await deployed.get("us-east-1", "abc") is not found[0] and apis.reads == 2

    asyncio.run(scenario())


def test_what_changed_while_it_was_read_is_read_again() -> None:
    async def scenario() -> None:
        apis = FakeApis()
        deployed = DeployedApis(apis)  # type: ignore[arg-type]
        reading = asyncio.ensure_future(deployed.get("us-east-1", "abc"))
        await until(lambda: apis.reads)
        apis.changed("abc")
        await reading
        await deployed.get("us-east-1", "abc")
        assert apis.reads == 2

    asyncio.run(scenario())


def changed(before: Draft) -> Draft:
    """The draft of the next change."""
    return Draft(before.api, {kind: dict(parts) for kind, parts in before.parts.items()})


def test_a_stage_that_deploys_by_itself_has_what_was_changed_last_and_keeps_nothing_older() -> None:
    first = draft_of()
    quick_create(first, {"Target": TARGET}, 0.0)
    deploy_automatically(first, 0.0)
    second = changed(first)
    ROUTES.create(second, {"RouteKey": "GET /a"})
    deploy_automatically(second, 1.0)
    (deployment,) = second.all(DEPLOYMENT).values()
    assert (
        second.all(STAGE)["$default"]["DeploymentId"] == deployment["DeploymentId"] != next(iter(first.all(DEPLOYMENT)))
    )
    third = changed(second)
    third.api = {**third.api, "Description": "no route changed"}
    deploy_automatically(third, 2.0)
    assert third.all(DEPLOYMENT) == second.all(DEPLOYMENT) and not third.snapshots


def test_a_deployment_that_a_stage_serves_stays() -> None:
    draft = draft_of()
    with pytest.raises(BadRequestException, match="no routes"):
        DEPLOYMENTS.create(draft, {})
    ROUTES.create(draft, {"RouteKey": "GET /a"})
    STAGES.create(draft, {"StageName": "dev"})
    made = DEPLOYMENTS.create(draft, {"StageName": "dev"})
    with pytest.raises(ConflictException):
        DEPLOYMENTS.delete(draft, made)


def test_an_integration_that_a_route_leads_to_stays() -> None:
    draft = draft_of()
    quick_create(draft, {"Target": TARGET}, 0.0)
    (integration,) = draft.all("Integration").values()
    with pytest.raises(ConflictException, match="referenced"):
        INTEGRATIONS.delete(draft, integration)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"AuthorizationType": "JWT"}, "requires an authorizer"),
        ({"AuthorizationScopes": ["a"]}, "Scopes"),
        ({"Target": "elsewhere"}, "Invalid target"),
    ],
)
def test_a_route_that_cannot_be_is_refused(members: dict[str, Any], message: str) -> None:
    with pytest.raises(BadRequestException, match=message):
        ROUTES.create(draft_of(), {"RouteKey": "GET /a", **members})


@pytest.mark.parametrize("format_", ["", "no id", "$context.status"])
def test_an_access_log_says_which_request_it_is_about(format_: str) -> None:
    settings = {"DestinationArn": "arn:aws:logs:us-east-1:000000000000:log-group:g", "Format": format_}
    with pytest.raises(BadRequestException, match="requestId"):
        STAGES.create(draft_of(), {"StageName": "dev", "AccessLogSettings": settings})
