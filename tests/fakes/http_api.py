"""HTTP APIs of a live server, made and called as their users do."""

import base64
import http.client
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from fakes.live_server import ACCESS_KEY, REGION, SECRET_KEY, LiveServer

ACCOUNT = "000000000000"


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, kw_only=True)
class HttpApi:
    """One API; `call` reaches it by its host, or by its path below /_stoker/api/."""

    server: LiveServer
    id: str

    @property
    def client(self) -> Any:
        return self.server.client("apigatewayv2")

    @property
    def host(self) -> str:
        return f"{self.id}.execute-api.{REGION}.localhost:{self.server.port}"

    def call(
        self,
        path: str = "/",
        method: str = "GET",
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        by_path: bool = False,
        host: str | None = None,
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        target = f"/_stoker/api/{self.id}{path}" if by_path else path
        connection.putrequest(method, target, skip_host=True)
        sent = {"Host": f"127.0.0.1:{self.server.port}" if by_path else host or self.host, **(headers or {})}
        content = body.encode() if isinstance(body, str) else body
        if content is not None:
            sent.setdefault("Content-Length", str(len(content)))
        for name, value in sent.items():
            connection.putheader(name, value)
        connection.endheaders(content)
        answer = connection.getresponse()
        found = Answer(status=answer.status, headers=answer.headers, body=answer.read())
        connection.close()
        return found

    def signed(
        self,
        path: str = "/",
        method: str = "GET",
        body: bytes | None = None,
        *,
        access_key: str = ACCESS_KEY,
        secret: str = SECRET_KEY,
    ) -> Answer:
        request = AWSRequest(method, f"http://{self.host}{path}", data=body)
        SigV4Auth(Credentials(access_key, secret), "execute-api", REGION).add_auth(request)
        return self.call(path, method, body, headers=dict(request.headers.items()))

    def function(self, name: str, *, payload: str = "2.0", **members: Any) -> str:
        """An integration with a function, that may call it; its id."""
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
        allow(self.server, name, self.id)
        made = self.client.create_integration(
            ApiId=self.id,
            IntegrationType="AWS_PROXY",
            IntegrationUri=arn,
            PayloadFormatVersion=payload,
            **members,
        )
        return str(made["IntegrationId"])

    def route(self, key: str, integration: str, **members: Any) -> str:
        made = self.client.create_route(ApiId=self.id, RouteKey=key, Target=f"integrations/{integration}", **members)
        return str(made["RouteId"])


def allow(server: LiveServer, function: str, api_id: str) -> None:
    server.client("lambda").add_permission(
        FunctionName=function,
        StatementId=f"api-{uuid.uuid4().hex[:8]}",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api_id}/*",
    )


def make_api(server: LiveServer, **members: Any) -> HttpApi:
    """An API with a $default stage that deploys by itself."""
    client = server.client("apigatewayv2")
    api_id = client.create_api(Name=f"test-{uuid.uuid4().hex[:8]}", ProtocolType="HTTP", **members)["ApiId"]
    client.create_stage(ApiId=api_id, StageName="$default", AutoDeploy=True)
    return HttpApi(server=server, id=api_id)


def text_of(event: Mapping[str, Any]) -> str:
    """The body of an event, decoded."""
    body = event.get("body") or ""
    return base64.b64decode(body).decode() if event["isBase64Encoded"] else body
