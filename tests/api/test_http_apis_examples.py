"""The examples that a newcomer runs: an API with a form and a table, and FastAPI behind a gateway."""

import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import expect

from fakes.console import PATIENCE_MS, browser
from fakes.live_server import REGION, LiveServer

EXAMPLES = Path(__file__).parents[2] / "examples"


def ran(server: LiveServer, example: str) -> str:
    command = [sys.executable, str(EXAMPLES / example / "run.py")]
    done = subprocess.run(command, env=server.env, capture_output=True, text=True, timeout=300)
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
    api_id = re.search(r"[a-z0-9]{10}(?=$|\.execute-api)", address[1])
    assert api_id is not None
    by_name = f"http://{api_id[0]}.execute-api.{REGION}.localhost:{live_server.port}/"
    with browser() as chromium:
        page = chromium.new_page()
        # A browser takes names under localhost here, whatever the machine's resolver does.
        for url, name in ((f"{live_server.endpoint}/_stoker/api/{api_id[0]}/", "Joan"), (by_name, "Mary")):
            page.goto(url)
            page.get_by_placeholder("Name").fill(name)
            page.get_by_placeholder("Email").fill(f"{name}@example.com")
            page.get_by_role("button", name="Add").click()
            expect(page.get_by_text(f"{name} ({name}@example.com)")).to_be_visible(timeout=PATIENCE_MS)
            assert page.url == url
        expect(page.get_by_text("Grace (g@example.com)")).to_be_visible()


@pytest.mark.slow
def test_fastapi_passes_its_own_tests_through_the_gateway(live_server: LiveServer) -> None:
    assert "/docs in a browser" in ran(live_server, "fastapi")
