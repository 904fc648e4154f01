"""The runtimes of a machine beside those that Lambda knows."""

from pathlib import Path

from stoker.cli.deploy import complete
from stoker.cli.function_file import FunctionSettings
from stoker.cli.runtimes import survey
from stoker.cli.source import read_source
from stoker.model.runtime import Runtime

PYTHON = Runtime(name="python3.12", kind="python", executable=Path("/usr/bin/python3.12"), full_version="3.12.1")


def test_a_missing_runtime_is_shown_with_what_to_install() -> None:
    lines = {line.name: line for line in survey([PYTHON])}
    assert lines["python3.12"].advice == ""
    assert "3.13" in lines["python3.13"].advice
    assert "Node.js 22" in lines["nodejs22.x"].advice


def test_runtimes_are_in_the_order_of_their_numbers() -> None:
    names = [line.name for line in survey([])]
    assert names.index("python3.9") < names.index("python3.10")


def test_a_runtime_that_lambda_does_not_know_yet_is_shown_all_the_same() -> None:
    future = Runtime(name="python3.99", kind="python", executable=Path("/opt/python"), full_version="3.99.0")
    assert "python3.99" in [line.name for line in survey([future])]


def test_what_nobody_says_is_read_from_the_code_and_the_machine(tmp_path: Path) -> None:
    (tmp_path / "greet.py").write_text("def handler(event, context): ...")
    settings = complete(FunctionSettings(memory=512), read_source(tmp_path / "greet.py"), [PYTHON])
    assert (settings.name, settings.runtime, settings.handler) == ("greet", "python3.12", "greet.handler")
    assert settings.memory == 512
