"""What `stoker init` writes."""

import json
from pathlib import Path

import pytest

from stoker.cli.failures import CliError
from stoker.cli.guess import guess_handler, guess_kind
from stoker.cli.init import Template, files_of, init
from stoker.cli.source import read_source


@pytest.mark.parametrize("template", Template)
def test_a_template_is_complete_and_only_its_code_is_deployed(template: Template, tmp_path: Path) -> None:
    init(tmp_path / "mine", template)
    source = read_source(tmp_path / "mine")
    assert guess_kind(source) == "python" and guess_handler(source, "python") == "app.handler"
    assert {file.name for file in source.files} <= {"app.py", "requirements.txt"}
    json.loads((tmp_path / "mine" / "event.json").read_text())


def test_the_readme_s_commands_are_for_this_folder_also_with_a_space_in_its_name() -> None:
    readme = files_of(Template.HELLO, Path("first try"))["README.md"]
    assert "stoker deploy 'first try'\n" in readme and "stoker invoke first-try --payload-file 'first try'/" in readme


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("precious")
    with pytest.raises(CliError, match="is there already"):
        init(tmp_path, Template.HELLO)
    assert (tmp_path / "app.py").read_text() == "precious"
