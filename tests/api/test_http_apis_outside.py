"""HTTP APIs and what is outside: issuers of tokens and HTTP endpoints; and what is left of all that after kill -9."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from fakes.http_api import HttpApi, make_api
from fakes.live_server import LiveServer, free_port


@dataclass
class Outside:
    """A server on this machine: OpenID Connect's addresses, and an echo for everything else."""

    url: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    asked: list[str] = field(default_factory=list)

    def token(self, *, kid: str = "one", key: RSAKey | None = None, **claims: Any) -> str:
        now = int(time.time())
        good = {"iss": self.url, "aud": "me", "exp": now + 60, "iat": now, "scope": "pets:read other"}
        return jwt.encode({"alg": "RS256", "kid": kid}, {**good, **claims}, key or self.key)

    def document(self, path: str) -> Mapping[str, Any] | None:
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        if path == "/keys":
            return KeySet([self.key]).as_dict(private=False)
        return None


@contextmanager
def outside_server() -> Iterator[Outside]:
    outside = Outside()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            outside.asked.append(self.path)
            body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            seen = {"method": self.command, "path": self.path, "headers": dict(self.headers.items()), "body": body}
            answer = json.dumps(outside.document(self.path) or seen).encode()
            self.send_response(203 if self.path.startswith("/echo") else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("X-Backend", "yes")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = handle_any  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        outside.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield outside
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    with outside_server() as server:
        yield server


@pytest.fixture(scope="module")
def loopback_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """One that may call this machine, and is killed at the end."""
    server = LiveServer(data=tmp_path_factory.mktemp("apis"), port=free_port(), options=["--loopback-endpoints"])
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def api(loopback_server: LiveServer, outside: Outside) -> HttpApi:
    made = make_api(loopback_server)
    endpoint = {"IntegrationType": "HTTP_PROXY", "IntegrationMethod": "ANY"}
    mapped = {"append:header.x-user": "$context.authorizer.claims.sub", "overwrite:querystring.q": "$request.path.rest"}
    integration = made.client.create_integration(
        ApiId=made.id, IntegrationUri=f"{outside.url}/echo/{{rest}}?a=1", RequestParameters=mapped, **endpoint
    )["IntegrationId"]
    made.route("ANY /proxy/{rest+}", integration)
    moved = made.client.create_integration(
        ApiId=made.id,
        IntegrationUri=f"{outside.url}/a",
        RequestParameters={"overwrite:path": "/echo$request.path"},
        **endpoint,
    )["IntegrationId"]
    made.route("GET /moved/{rest+}", moved)
    authorizer = made.client.create_authorizer(
        ApiId=made.id,
        Name="issuer",
        AuthorizerType="JWT",
        IdentitySource=["$request.header.Authorization"],
        JwtConfiguration={"Issuer": outside.url, "Audience": ["me"]},
    )["AuthorizerId"]
    guarded = {"AuthorizationType": "JWT", "AuthorizerId": authorizer}
    made.route("GET /tokens/{rest}", integration, **guarded)
    made.route("GET /scoped/{rest}", integration, AuthorizationScopes=["pets:write"], **guarded)
    down = made.client.create_integration(ApiId=made.id, IntegrationUri=f"http://127.0.0.1:{free_port()}/", **endpoint)[
        "IntegrationId"
    ]
    made.route("GET /down", down)
    return made


def test_an_endpoint_gets_the_request_and_its_answer_comes_back(api: HttpApi) -> None:
    answer = api.call("/proxy/b/c?x=1", "POST", "hello", {"Content-Type": "text/plain", "X-A": "1"})
    seen = answer.json()
    assert (answer.status, answer.headers["x-backend"]) == (203, "yes")
    assert (seen["method"], seen["path"], seen["body"]) == ("POST", "/echo/b/c?a=1&x=1&q=b%2Fc", "hello")
    headers = {name.lower(): value for name, value in seen["headers"].items()}
    assert headers["x-a"] == "1" and "for=127.0.0.1" in headers["forwarded"] and "x-user" not in headers
    assert not headers["host"].startswith(api.id)


def test_a_mapping_says_which_path_an_endpoint_gets(api: HttpApi) -> None:
    assert api.call("/moved/a%20b?c=d").json()["path"] == "/echo/moved/a%20b?c=d"


def test_an_endpoint_that_is_not_there_makes_the_service_unavailable(api: HttpApi) -> None:
    answer = api.call("/down")
    assert (answer.status, answer.json()) == (503, {"message": "Service Unavailable"})


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_good_token_opens_its_routes_and_its_claims_are_known(api: HttpApi, outside: Outside) -> None:
    answer = api.call("/tokens/a", headers=bearer(outside.token(sub="ann")))
    assert answer.status == 203 and answer.json()["headers"]["x-user"] == "ann"
    for _ in range(3):
        api.call("/tokens/a", headers=bearer(outside.token()))
    assert outside.asked.count("/keys") == 1


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({"exp": 1}, "expired"),
        ({"aud": "other"}, "audience"),
        ({"iss": "https://other.example"}, "issuer"),
        ({"nbf": 9_999_999_999}, "not valid yet"),
    ],
)
def test_a_token_that_is_not_for_here_and_now_is_refused(
    api: HttpApi, outside: Outside, claims: dict[str, Any], told: str
) -> None:
    answer = api.call("/tokens/a", headers=bearer(outside.token(**claims)))
    assert (answer.status, answer.json()) == (401, {"message": "Unauthorized"})
    assert 'error="invalid_token"' in answer.headers["www-authenticate"] and told in answer.headers["www-authenticate"]


def test_a_token_nobody_signed_is_refused(api: HttpApi, outside: Outside) -> None:
    forged = outside.token(key=RSAKey.generate_key(2048, {"kid": "one"}))
    header, payload, _ = outside.token().split(".")
    for token in (forged, "nonsense", f"{header}.{payload}.", outside.token(kid="unknown")):
        assert api.call("/tokens/a", headers=bearer(token)).status == 401
    assert api.call("/tokens/a").headers["www-authenticate"] == "Bearer"


def test_a_token_without_the_routes_scope_is_not_enough(api: HttpApi, outside: Outside) -> None:
    answer = api.call("/scoped/a", headers=bearer(outside.token()))
    assert (answer.status, answer.json()) == (403, {"message": "Forbidden"})
    assert api.call("/scoped/a", headers=bearer(outside.token(scope="pets:write"))).status == 203


def test_an_api_answers_as_before_after_kill_9(loopback_server: LiveServer, api: HttpApi, outside: Outside) -> None:
    api.client.create_domain_name(DomainName="kept.example.com", DomainNameConfigurations=[{}])
    api.client.create_api_mapping(DomainName="kept.example.com", ApiId=api.id, Stage="$default")
    before = api.client.get_routes(ApiId=api.id)["Items"]
    loopback_server.kill()
    loopback_server.start()
    assert api.client.get_routes(ApiId=api.id)["Items"] == before
    assert api.call("/proxy/b", host="kept.example.com").status == 203
    assert api.call("/tokens/a", headers=bearer(outside.token())).status == 203
