"""The examples that a newcomer runs: an API with a form and a table, and FastAPI behind a gateway."""

import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from fakes.live_server import LiveServer

EXAMPLES = Path(__file__).parents[2] / "examples"


def ran(server: LiveServer, example: str) -> str:
    command = [sys.executable, str(EXAMPLES / example / "run.py")]
    done = subprocess.run(command, env=server.env, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_form_posts_into_a_table(live_server: LiveServer) -> None:
    said = ran(live_server, "users-api")
    assert "on the page: True" in said and "in the list: ['Ada']" in said
    address = re.search(r"open (\S+)/ in a browser", said)
    assert address is not None
    body = b'{"name": "Grace", "email": "g@example.com"}'
    post = urllib.request.Request(f"{address[1]}/users", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(post) as made:
        assert made.status == 201
    with urllib.request.urlopen(f"{address[1]}/") as page:
        assert "Grace (g@example.com)" in page.read().decode()


@pytest.mark.slow
def test_fastapi_passes_its_own_tests_through_the_gateway(live_server: LiveServer) -> None:
    assert "/docs in a browser" in ran(live_server, "fastapi")
