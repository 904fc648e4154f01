"""Chalice as it comes, in an environment of its own: its commands, and the address that it deploys to."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fakes.live_server import LiveServer
from fakes.rest_api import RestApi

pytestmark = [pytest.mark.root, pytest.mark.slow]

UV = Path(sys.executable).with_name("uv")
ROUTES = """
from chalice import AuthResponse, Chalice, CORSConfig, Response

app = Chalice(app_name="hello")
app.api.binary_types.append("image/png")

@app.authorizer()
def gate(request):
    return AuthResponse(routes=["*"] if request.token == "open" else [], principal_id="ann", context={"k": "v"})

@app.route("/")
def index():
    return {"hello": "world"}

@app.route("/users/{name}", methods=["PUT"], cors=CORSConfig(allow_origin="https://x.example"))
def users(name):
    return {"name": name, "sent": app.current_request.json_body, "query": app.current_request.query_params}

@app.route("/private", authorizer=gate)
def private():
    return app.current_request.context["authorizer"]

@app.route("/picture")
def picture():
    return Response(body=b"\\x89PNG\\xff", headers={"Content-Type": "image/png"})
"""


@dataclass
class Chalice:
    """A project, and the command in it."""

    command: Path
    project: Path
    server: LiveServer

    def run(self, *arguments: str, told: str = "") -> str:
        env = {key: it for key, it in self.server.env.items() if not key.startswith("VIRTUAL_ENV")}
        done = subprocess.run(
            [str(self.command), *arguments], cwd=self.project, env=env, input=told, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @property
    def api(self) -> RestApi:
        deployed = json.loads((self.project / ".chalice" / "deployed" / "dev.json").read_text())
        found = {each["resource_type"]: each for each in deployed["resources"]}
        return RestApi(server=self.server, id=found["rest_api"]["rest_api_id"])


@pytest.fixture(scope="module")
def chalice(live_server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chalice]:
    place = tmp_path_factory.mktemp("chalice")
    python = place / "venv" / "bin" / "python"
    env = {**os.environ, "UV_LINK_MODE": "copy"}
    subprocess.run([str(UV), "venv", "--quiet", "--python", sys.executable, str(place / "venv")], check=True, env=env)
    subprocess.run([str(UV), "pip", "install", "--quiet", "--python", str(python), "chalice"], check=True, env=env)
    command = python.with_name("chalice")
    subprocess.run([str(command), "new-project", "hello"], cwd=place, check=True, capture_output=True)
    yield Chalice(command, place / "hello", live_server)


def test_chalice_deploys_a_new_project_and_its_address_answers(chalice: Chalice) -> None:
    said = chalice.run("deploy")
    api = chalice.api
    assert f"Rest API URL: https://{api.id}.execute-api.us-east-1.amazonaws.com/api/" in said
    for by_path in (False, True):
        assert api.call("/api/", by_path=by_path).json() == {"hello": "world"}
    assert chalice.run("invoke", "-n", "api_handler", told="{}")
    assert "INIT_START" in chalice.run("logs")

    (chalice.project / "app.py").write_text(ROUTES)
    chalice.run("deploy")
    assert chalice.api.id == api.id
    put = api.call("/api/users/b%20c?q=1", "PUT", '{"a": 1}', headers={"Content-Type": "application/json"})
    assert put.json() == {"name": "b c", "sent": {"a": 1}, "query": {"q": "1"}}
    assert put.headers["access-control-allow-origin"] == "https://x.example"
    preflight = api.call("/api/users/x", "OPTIONS")
    assert (preflight.status, preflight.headers["access-control-allow-methods"]) == (200, "PUT,OPTIONS")
    assert api.call("/api/picture", headers={"Accept": "image/png"}).body == b"\x89PNG\xff"
    statuses = {token: api.call("/api/private", headers={"Authorization": token}).status for token in ("open", "shut")}
    assert statuses == {"open": 200, "shut": 403} and api.call("/api/private").status == 401

    chalice.run("delete")
    assert api.call("/api/").status == 404
