"""The command against a live server, typed as in the README."""

import functools
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes import command_line

EXAMPLES = Path(__file__).parents[2] / "examples"
HELLO = """
import os

def handler(event, context):
    print("a word from", event)
    return {"event": event, "mood": os.environ.get("MOOD")}
"""

Stoker = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def stoker(live_server: Any) -> Stoker:
    return functools.partial(command_line.stoker, live_server.env)


@pytest.fixture(scope="module")
def hello(stoker: Stoker, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("hello")
    (folder / "app.py").write_text(HELLO)
    stoker("deploy", folder, "--name", "cli-hello", "--env", "MOOD=good")
    return "cli-hello"


def test_a_folder_becomes_a_function_that_answers_with_its_log_and_its_cost(stoker: Stoker, hello: str) -> None:
    answer = stoker("invoke", hello, "--payload", '{"n": 1}')
    assert json.loads(answer.stdout) == {"event": {"n": 1}, "mood": "good"}
    assert "a word from {'n': 1}" in answer.stderr
    assert "billed" in answer.stderr and "≈ $0.00000" in answer.stderr


def test_the_event_can_come_from_stdin_and_the_answer_as_json(stoker: Stoker, hello: str) -> None:
    answer = json.loads(stoker("invoke", hello, "-", "--json", stdin="[1, 2]").stdout)
    assert answer["result"]["event"] == [1, 2]
    assert answer["executedVersion"] == "$LATEST" and answer["report"]["billedMs"] >= 1


def test_deploying_the_same_again_changes_nothing_and_other_code_updates(stoker: Stoker, tmp_path: Path) -> None:
    deploy = ("deploy", tmp_path / "again.py", "--json")
    outcomes = []
    for code in ("'old'", "'old'", "'new'"):
        (tmp_path / "again.py").write_text(f"def handler(event, context):\n    return {code}\n")
        outcomes.append(json.loads(stoker(*deploy).stdout)["outcome"])
    assert outcomes == ["created", "unchanged", "updated"]
    assert stoker("invoke", "again", "--no-log").stdout == "new\n"


def test_a_function_that_fails_shows_its_error_and_status_1(stoker: Stoker, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def handler(event, context):\n    return 1 / 0\n")
    stoker("deploy", tmp_path / "broken.py", "--name", "cli-broken")
    answer = stoker("invoke", "cli-broken", status=1)
    assert json.loads(answer.stdout)["errorType"] == "ZeroDivisionError"
    assert "The function failed (Unhandled)" in answer.stderr


def test_the_log_is_shown_and_filtered(stoker: Stoker, hello: str) -> None:
    stoker("invoke", hello, "--payload", '{"n": "needle"}')
    assert "needle" in stoker("logs", hello).stdout
    filtered = stoker("logs", hello, "--filter", "REPORT").stdout
    assert "REPORT RequestId" in filtered and "needle" not in filtered


def test_a_function_is_listed_until_it_is_deleted(stoker: Stoker, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("def handler(event, context): ...\n")
    stoker("deploy", tmp_path, "--name", "cli-short-lived")
    assert "cli-short-lived" in stoker("list").stdout
    stoker("delete", "cli-short-lived", "--yes")
    assert "cli-short-lived" not in stoker("list").stdout
    assert "cli-short-lived" in stoker("invoke", "cli-short-lived", status=1).stderr


def test_a_missing_function_is_one_line_that_says_where_to_look(stoker: Stoker) -> None:
    lines = stoker("invoke", "cli-nobody", status=1).stderr.splitlines()
    assert len(lines) == 1 and "`stoker list`" in lines[0]


def test_a_wrong_secret_is_one_line_that_says_how_to_get_the_right_one(live_server: Any) -> None:
    environment = {**live_server.env, "AWS_SECRET_ACCESS_KEY": "wrong"}
    lines = command_line.stoker(environment, "list", status=1).stderr.splitlines()
    assert len(lines) == 1 and "stoker credentials --export" in lines[0]


def test_the_data_directory_is_enough_to_find_the_server_and_its_key(live_server: Any) -> None:
    environment = {key: value for key, value in live_server.env.items() if not key.startswith(("AWS_", "STOKER_"))}
    done = command_line.stoker(environment, "--data", live_server.data, "list", "--json")
    assert isinstance(json.loads(done.stdout), list)


@pytest.mark.parametrize("name", ["hello-python", "hello-node", "hello-bootstrap"])
def test_a_hello_example_answers_as_it_is(stoker: Stoker, name: str) -> None:
    deployed = stoker("deploy", EXAMPLES / name)
    assert name in deployed.stdout
    answer = stoker("invoke", name, "--payload", '{"name": "Ada"}')
    assert "Hello" in json.loads(answer.stdout)["greeting"]
    assert "somebody is here" in answer.stderr
