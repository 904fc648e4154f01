"""WebSocket APIs of a live server, spoken to with a real client."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from fakes.deployment import Deployment
from fakes.http_api import ACCOUNT, allow
from fakes.live_server import ACCESS_KEY, REGION, SECRET_KEY, LiveServer
from fakes.waiting import eventually

HANDLER = """
import json

def handler(event, context):
    about = event["requestContext"]
    print(json.dumps({"seen": about["eventType"], "about": about}))
    if about["eventType"] == "CONNECT":
        who = (event.get("queryStringParameters") or {}).get("who")
        headers = {"Sec-WebSocket-Protocol": "chat"} if "sec-websocket-protocol" in event["headers"] else {}
        return {"statusCode": 403 if who == "nobody" else 200, "headers": headers}
    if (event.get("body") or "").find("fail") >= 0:
        raise ValueError("secret inside")
    return {"statusCode": 200, "body": json.dumps(event)}
"""


@dataclass(frozen=True, kw_only=True)
class Chat:
    server: LiveServer
    id: str
    function: str

    def open(self, query: str = "", **options: Any) -> ClientConnection:
        address = f"ws://127.0.0.1:{self.server.port}/_stoker/api/{self.id}/dev{query}"
        return connect(address, compression=None, **options)

    @property
    def management(self) -> Any:
        return self.server.client(
            "apigatewaymanagementapi", endpoint_url=f"{self.server.endpoint}/_stoker/api/{self.id}/dev"
        )

    def seen(self, kind: str) -> list[Any]:
        """What the function was told of, by its log."""
        group = f"/aws/lambda/{self.function}"
        found = self.server.client("logs").filter_log_events(logGroupName=group, filterPattern=f'"{kind}"')["events"]
        return [json.loads(each["message"])["about"] for each in found if each["message"].startswith('{"seen"')]


@pytest.fixture(scope="module")
def chat(live_server: LiveServer) -> Iterator[Chat]:
    client, function = live_server.client("apigatewayv2"), Deployment(live_server.client("lambda")).deploy(HANDLER)
    api_id = client.create_api(Name="chat", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action")[
        "ApiId"
    ]
    uri = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/arn:aws:lambda:{REGION}:{ACCOUNT}:function:"
    integration = client.create_integration(
        ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationUri=f"{uri}{function}/invocations"
    )["IntegrationId"]
    target = f"integrations/{integration}"
    for key in ("$connect", "$disconnect", "quiet"):
        client.create_route(ApiId=api_id, RouteKey=key, Target=target)
    route = client.create_route(
        ApiId=api_id, RouteKey="say", Target=target, RouteResponseSelectionExpression="$default"
    )["RouteId"]
    client.create_route_response(ApiId=api_id, RouteId=route, RouteResponseKey="$default")
    client.create_stage(ApiId=api_id, StageName="dev", AutoDeploy=True, StageVariables={"color": "red"})
    allow(live_server, function, api_id)
    yield Chat(server=live_server, id=api_id, function=function)
    client.delete_api(ApiId=api_id)
    live_server.client("lambda").delete_function(FunctionName=function)


def said(socket: ClientConnection, message: Any) -> Any:
    socket.send(message if isinstance(message, str | bytes) else json.dumps(message))
    return json.loads(socket.recv(timeout=60))


def test_a_message_takes_its_route_and_its_result_comes_back(chat: Chat) -> None:
    with chat.open("?who=ann") as socket:
        event = said(socket, {"action": "say", "text": "hello"})
    about = event["requestContext"]
    assert json.loads(event["body"]) == {"action": "say", "text": "hello"} and not event["isBase64Encoded"]
    assert (about["routeKey"], about["eventType"], about["stage"]) == ("say", "MESSAGE", "dev")
    assert (about["apiId"], event["stageVariables"]) == (chat.id, {"color": "red"})
    assert {"connectionId", "messageId", "connectedAt", "requestId", "domainName"} <= set(about)


def test_what_no_route_takes_or_fails_is_told(chat: Chat) -> None:
    with chat.open() as socket:
        unknown = said(socket, {"action": "other"})
        assert unknown["message"] == "Forbidden" and {"connectionId", "requestId"} <= set(unknown)
        assert said(socket, "no JSON")["message"] == "Forbidden"
        assert said(socket, {"action": "say", "text": "fail"})["message"] == "Internal server error"


def test_who_is_refused_at_connect_gets_the_functions_status(chat: Chat) -> None:
    with pytest.raises(InvalidStatus) as refused:
        chat.open("?who=nobody")
    assert refused.value.response.status_code == 403


def test_a_subprotocol_is_the_functions_choice(chat: Chat) -> None:
    with chat.open(subprotocols=["chat", "other"]) as socket:  # type: ignore[list-item]
        assert socket.subprotocol == "chat"


def test_a_function_finds_the_client_by_the_management_api(chat: Chat) -> None:
    with chat.open() as socket:
        connection_id = said(socket, {"action": "say"})["requestContext"]["connectionId"]
        socket.send(json.dumps({"action": "quiet"}))
        chat.management.post_to_connection(ConnectionId=connection_id, Data=b"hello")
        assert socket.recv(timeout=60) == "hello"
        about = chat.management.get_connection(ConnectionId=connection_id)
        assert about["Identity"]["SourceIp"] == "127.0.0.1" and about["ConnectedAt"] <= about["LastActiveAt"]
        chat.management.delete_connection(ConnectionId=connection_id)
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=60)
    gone = chat.management.exceptions.GoneException
    with pytest.raises(gone):
        chat.management.post_to_connection(ConnectionId=connection_id, Data=b"hello")

    def disconnected() -> bool:
        return connection_id in [each["connectionId"] for each in chat.seen("DISCONNECT")]

    eventually(disconnected, "the function to be told of the end")


AUTHORIZER = """
def handler(event, context):
    assert event["type"] == "REQUEST" and event["requestContext"]["eventType"] == "CONNECT"
    allowed = event["queryStringParameters"]["token"] == "good"
    statement = {
        "Effect": "Allow" if allowed else "Deny", "Action": "execute-api:Invoke", "Resource": event["methodArn"]
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "ann", "policyDocument": policy, "context": {"team": "red"}}
"""


def test_a_function_or_a_signature_opens_the_connection(chat: Chat) -> None:
    client, server = chat.server.client("apigatewayv2"), chat.server
    gate = Deployment(server.client("lambda")).deploy(AUTHORIZER)
    allow(server, gate, chat.id)
    uri = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/arn:aws:lambda:{REGION}:{ACCOUNT}:function:"
    authorizer = client.create_authorizer(
        ApiId=chat.id,
        Name="gate",
        AuthorizerType="REQUEST",
        AuthorizerUri=f"{uri}{gate}/invocations",
        IdentitySource=["route.request.querystring.token"],
    )["AuthorizerId"]
    (route,) = [each for each in client.get_routes(ApiId=chat.id)["Items"] if each["RouteKey"] == "$connect"]

    def guard(**members: Any) -> None:
        client.update_route(ApiId=chat.id, RouteId=route["RouteId"], **members)

    guard(AuthorizationType="CUSTOM", AuthorizerId=authorizer)
    with chat.open("?token=good") as socket:
        about = said(socket, {"action": "say"})["requestContext"]
    assert about["authorizer"] == {"team": "red", "principalId": "ann"}
    for query, status in (("?token=bad", 403), ("", 401)):
        with pytest.raises(InvalidStatus) as refused:
            chat.open(query)
        assert refused.value.response.status_code == status
    guard(AuthorizationType="AWS_IAM")
    with pytest.raises(InvalidStatus):
        chat.open()
    request = AWSRequest("GET", f"http://127.0.0.1:{server.port}/_stoker/api/{chat.id}/dev")
    SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "execute-api", REGION).add_auth(request)
    with chat.open(additional_headers=dict(request.headers.items())) as socket:
        about = said(socket, {"action": "say"})["requestContext"]
    assert about["identity"]["userArn"] == f"arn:aws:iam::{ACCOUNT}:root"
    guard(AuthorizationType="NONE")
    server.client("lambda").delete_function(FunctionName=gate)


def test_only_those_who_may_manage_connections_do(chat: Chat) -> None:
    iam, name = chat.server.client("iam"), f"ws-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    stranger = chat.server.client(
        "apigatewaymanagementapi",
        endpoint_url=f"{chat.server.endpoint}/_stoker/api/{chat.id}/dev",
        access_key=key["AccessKeyId"],
        secret_key=key["SecretAccessKey"],
    )
    with chat.open() as socket:
        connection_id = said(socket, {"action": "say"})["requestContext"]["connectionId"]
        with pytest.raises(stranger.exceptions.ClientError, match="ManageConnections"):
            stranger.post_to_connection(ConnectionId=connection_id, Data=b"x")
        arn = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{chat.id}/dev/POST/@connections/*"
        statement = {"Effect": "Allow", "Action": "execute-api:ManageConnections", "Resource": arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy)
        stranger.post_to_connection(ConnectionId=connection_id, Data=b"x")
        assert socket.recv(timeout=60) == "x"


@pytest.mark.parametrize("size", [32 * 1024 + 1, 128 * 1024 + 1])
def test_too_large_a_frame_ends_the_connection(chat: Chat, size: int) -> None:
    with chat.open() as socket:
        socket.send("x" * size)
        with pytest.raises(ConnectionClosed) as ended:
            socket.recv(timeout=60)
    assert ended.value.rcvd is not None and ended.value.rcvd.code == 1009


def test_a_message_in_frames_may_be_larger_than_one(chat: Chat) -> None:
    text = json.dumps({"action": "say", "text": "x" * 60_000})
    with chat.open() as socket:
        socket.send(text[at : at + 30_000] for at in range(0, len(text), 30_000))
        assert json.loads(socket.recv(timeout=60))["body"] == text


def test_an_http_request_finds_no_socket_and_a_socket_no_http_api(chat: Chat) -> None:
    with pytest.raises(InvalidStatus) as refused:
        connect(f"ws://127.0.0.1:{chat.server.port}/", compression=None)
    assert refused.value.response.status_code == 404
