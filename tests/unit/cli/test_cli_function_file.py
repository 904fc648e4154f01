"""function.toml, and how options win over it."""

from pathlib import Path

import pytest

from stoker.cli.failures import CliError
from stoker.cli.function_file import FunctionSettings, parse_variables, read_function_file


def test_a_function_file_says_what_its_keys_say(tmp_path: Path) -> None:
    (tmp_path / "function.toml").write_text('memory = 512\nlayers = ["arn"]\n[env]\nA = "1"\n')
    assert read_function_file(tmp_path) == FunctionSettings(memory=512, layers=["arn"], env={"A": "1"})


def test_an_option_wins_over_the_file_and_variables_join() -> None:
    options = FunctionSettings(memory=256, env={"B": "9"})
    file = FunctionSettings(name="f", memory=512, env={"A": "1", "B": "2"})
    assert options.over(file) == FunctionSettings(name="f", memory=256, env={"A": "1", "B": "9"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("memroy = 1", "no setting 'memroy'"),
        ('memory = "1"', "memory has to be a whole number"),
        ("memory = true", "memory has to be a whole number"),
        ("[env]\nA = 1", "has to be a string"),
        ("memory =", r"function\.toml: Invalid value"),
    ],
)
def test_what_a_file_cannot_mean_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "function.toml").write_text(text)
    with pytest.raises(CliError, match=message):
        read_function_file(tmp_path)


def test_variables_keep_what_follows_the_first_equals_sign() -> None:
    assert parse_variables(["URL=a=b", "EMPTY="]) == {"URL": "a=b", "EMPTY": ""}
    assert parse_variables([]) is None
    with pytest.raises(CliError, match="KEY=VALUE"):
        parse_variables(["LONELY"])
