"""The command against a live server, typed as in the README."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

STOKER = Path(sys.executable).with_name("stoker")
EXAMPLES = Path(__file__).parents[2] / "examples"

Stoker = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def stoker(live_server: Any) -> Stoker:
    def run(*arguments: str | Path, status: int = 0, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [STOKER, *map(str, arguments)]
        done = subprocess.run(command, env=live_server.env, input=stdin, capture_output=True, text=True, timeout=110)
        assert done.returncode == status, done.stderr
        assert "stoker/cli" not in done.stderr, "a traceback of the command's own"
        return done

    return run


@pytest.fixture
def hello(stoker: Stoker, tmp_path: Path) -> str:
    (tmp_path / "app.py").write_text(
        "import os\n\n\ndef handler(event, context):\n"
        "    print('a word from', event)\n    return {'event': event, 'mood': os.environ.get('MOOD')}\n"
    )
    stoker("deploy", tmp_path, "--name", "cli-hello", "--env", "MOOD=good")
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


def test_deploying_the_same_again_changes_nothing_and_other_code_updates(
    stoker: Stoker, hello: str, tmp_path: Path
) -> None:
    again = json.loads(stoker("deploy", tmp_path, "--name", hello, "--json").stdout)
    assert again["outcome"] == "unchanged"
    (tmp_path / "app.py").write_text("def handler(event, context):\n    return 'new'\n")
    assert (
        json.loads(stoker("deploy", tmp_path, "--name", hello, "--memory", "256", "--json").stdout)["outcome"]
        == "updated"
    )
    assert stoker("invoke", hello, "--no-log").stdout == "new\n"


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


def test_a_wrong_secret_is_one_line_that_says_how_to_get_the_right_one(
    live_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {**live_server.env, "AWS_SECRET_ACCESS_KEY": "wrong"}
    done = subprocess.run([STOKER, "list"], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1 and "stoker credentials --export" in done.stderr


def test_the_credentials_of_the_data_directory_are_enough(live_server: Any) -> None:
    environment = {key: value for key, value in live_server.env.items() if not key.startswith("AWS_")}
    done = subprocess.run(
        [STOKER, "--endpoint", live_server.endpoint, "--data", live_server.data, "list", "--json"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert isinstance(json.loads(done.stdout), list)


@pytest.mark.parametrize("name", ["hello-python", "hello-node", "hello-bootstrap"])
def test_a_hello_example_answers_as_it_is(stoker: Stoker, name: str) -> None:
    deployed = stoker("deploy", EXAMPLES / name)
    assert name in deployed.stdout
    answer = stoker("invoke", name, "--payload", '{"name": "Ada"}')
    assert "Hello" in json.loads(answer.stdout)["greeting"]
    assert "somebody is here" in answer.stderr
