"""The command as it is typed: what it prints and which status it leaves."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from stoker import __version__
from stoker.cli.main import main

# A port of the loopback that nothing listens on: connecting is refused at once.
NOBODY = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def no_settings_of_the_shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (
        "AWS_ACCESS_KEY_ID",
        "AWS_ENDPOINT_URL",
        "AWS_PROFILE",
        "AWS_REGION",
        "STOKER_ENDPOINT",
        "STOKER_DATA",
    ):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "credentials").write_text("[default]\naws_access_key_id = AK\naws_secret_access_key = S/+=\n")
    monkeypatch.setenv("STOKER_DATA", str(tmp_path))


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["stoker", *arguments])
    with pytest.raises(SystemExit) as exit:
        main()
    return int(exit.value.code or 0)


def test_the_version_is_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"stoker {__version__}\n"


def test_a_server_that_is_not_there_is_one_line_and_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--endpoint", NOBODY, "list") == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: Nothing answers at http://127.0.0.1:9")


def test_a_mistake_in_usage_is_status_2(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "deploy") == 2
    assert "Missing argument" in capsys.readouterr().err


def test_a_proxy_is_a_network(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for text in ("*", "proxy.example", "10.0.0.1/8"):
        assert run(monkeypatch, "up", "--proxy", text) == 2
        assert f"--proxy {text}: " in capsys.readouterr().err


def test_a_payload_that_is_no_json_is_refused_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--endpoint", NOBODY, "invoke", "f", "--payload", "hello") == 1
    assert "The event is no JSON" in capsys.readouterr().err


def test_credentials_are_lines_that_a_shell_can_eval(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "credentials", "--export") == 0
    script = "eval $(printf '%s' \"$0\"); env | grep ^AWS_"
    command = ["env", "-i", "sh", "-c", script, capsys.readouterr().out]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert set(answer.stdout.split()) == {
        "AWS_ACCESS_KEY_ID=AK",
        "AWS_SECRET_ACCESS_KEY=S/+=",
        "AWS_DEFAULT_REGION=us-east-1",
        "AWS_ENDPOINT_URL=http://127.0.0.1:4566",
    }


def test_credentials_are_json_or_a_profile_on_demand(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "credentials", "--json") == 0
    assert json.loads(capsys.readouterr().out)["AWS_ACCESS_KEY_ID"] == "AK"
    assert run(monkeypatch, "credentials", "--profile") == 0
    assert capsys.readouterr().out.startswith("[profile stoker]\nregion = us-east-1\nendpoint_url = http://")


def test_credentials_keep_the_secret_to_themselves_until_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "credentials") == 0
    assert "S/+=" not in capsys.readouterr().out


def test_the_command_starts_without_loading_what_only_some_commands_need() -> None:
    heavy = {"boto3", "botocore", "rich.console", "sqlalchemy", "uvicorn", "asyncio"}
    script = f"import sys, stoker.cli.main; print(sorted({heavy!r} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_runtimes_name_what_this_machine_has_and_what_it_lacks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "runtimes", "--json") == 0
    runtimes = {runtime["name"]: runtime for runtime in json.loads(capsys.readouterr().out)}
    assert runtimes["provided.al2023"]["available"]
    assert all(runtime["available"] is not bool(runtime["install"]) for runtime in runtimes.values())
