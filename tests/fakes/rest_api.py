"""REST APIs of a live server, made as SDKs make them and called as their users do."""

import uuid
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from fakes.http_api import ACCOUNT, Answer, HttpApi, allow
from fakes.live_server import REGION, LiveServer

STAGE = "test"


def invocations_of(name: str) -> str:
    """What an integration's URI calls a function."""
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
    return f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{function}/invocations"


@dataclass(frozen=True, kw_only=True)
class RestApi(HttpApi):
    """One API; `get` and the like reach its stage."""

    @cached_property
    def client(self) -> Any:
        return self.server.client("apigateway")

    def stage(self, path: str = "/", method: str = "GET", body: Any = None, **options: Any) -> Answer:
        return self.call(f"/{STAGE}{path}", method, body, **options)

    def resource(self, path: str) -> str:
        """The id of a path's resource, made with those above it."""
        found = {it["path"]: it["id"] for it in self.client.get_resources(restApiId=self.id, limit=500)["items"]}
        at = ""
        for part in [part for part in path.split("/") if part]:
            parent, at = found[at or "/"], f"{at}/{part}"
            if at not in found:
                made = self.client.create_resource(restApiId=self.id, parentId=parent, pathPart=part)
                found[at] = made["id"]
        return found[at or "/"]

    def method(self, path: str, http_method: str = "GET", **members: Any) -> dict[str, str]:
        """The names of a new method, as its integration's calls want them."""
        names = {"restApiId": self.id, "resourceId": self.resource(path), "httpMethod": http_method}
        self.client.put_method(**names, **{"authorizationType": "NONE", **members})
        return names

    def proxy(self, path: str, function: str, http_method: str = "ANY", **members: Any) -> None:
        """A method that hands everything on to a function."""
        names = self.method(path, http_method, **members)
        uri = invocations_of(function)
        self.client.put_integration(**names, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)

    def mock(self, path: str, template: str = "", **members: Any) -> dict[str, str]:
        """A method that answers by its template, from what the request has."""
        names = self.method(path, members.pop("http_method", "POST"), **members)
        self.client.put_method_response(**names, statusCode="200")
        # A mock has no body of its own: so its answer's template sees the request's parameters only.
        self.client.put_integration(**names, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
        self.client.put_integration_response(
            **names, statusCode="200", responseTemplates={"application/json": template}
        )
        return names

    def deploy(self, **members: Any) -> str:
        return str(self.client.create_deployment(restApiId=self.id, stageName=STAGE, **members)["id"])

    def allow(self, function: str) -> None:
        allow(self.server, function, self.id)


def make_rest_api(server: LiveServer, **members: Any) -> RestApi:
    name = members.pop("name", f"test-{uuid.uuid4().hex[:8]}")
    return RestApi(server=server, id=server.client("apigateway").create_rest_api(name=name, **members)["id"])
