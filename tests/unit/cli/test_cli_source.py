"""What a path holds that can be deployed."""

from pathlib import Path

import pytest

from stoker.cli.failures import CliError
from stoker.cli.source import read_source


def names(path: Path) -> list[str]:
    return [file.name for file in read_source(path).files]


def test_a_folder_gives_its_files_sorted_without_the_ignored_ones(tmp_path: Path) -> None:
    for name in ("b.py", "a.py", "sub/c.py", "secret.txt", ".git/HEAD", "__pycache__/a.pyc"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / ".stokerignore").write_text("secret.txt\n")
    assert names(tmp_path) == ["a.py", "b.py", "sub/c.py"]


def test_a_lambdaignore_file_is_obeyed_too(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("")
    (tmp_path / "big.bin").write_text("")
    (tmp_path / ".lambdaignore").write_text("*.bin")
    assert names(tmp_path) == ["app.py"]


def test_a_single_file_is_a_source_named_after_it(tmp_path: Path) -> None:
    (tmp_path / "my task.py").write_text("")
    source = read_source(tmp_path / "my task.py")
    assert (source.title, [file.name for file in source.files]) == ("my-task", ["my task.py"])


def test_a_single_executable_becomes_the_bootstrap(tmp_path: Path) -> None:
    program = tmp_path / "server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert [(file.name, file.executable) for file in read_source(program).files] == [("bootstrap", True)]


def test_a_link_counts_as_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "lib.py").write_text("")
    (tmp_path / "linked").symlink_to(tmp_path / "shared")
    assert names(tmp_path) == ["linked/lib.py", "shared/lib.py"]


@pytest.mark.parametrize("target", ["secret", "."])
def test_a_link_out_of_the_folder_is_refused(tmp_path: Path, target: str) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("key")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "config").symlink_to(tmp_path / "outside" / target)
    with pytest.raises(CliError, match="config is a link out of the folder"):
        names(tmp_path / "code")


def test_a_link_to_a_folder_around_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    with pytest.raises(CliError, match="loop is a link to a folder around it"):
        read_source(tmp_path)


def test_a_link_to_nowhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "gone.py").symlink_to(tmp_path / "nothing")
    with pytest.raises(CliError, match=r"gone\.py is a link to nowhere"):
        read_source(tmp_path)


@pytest.mark.parametrize(
    ("path", "message"), [("missing", "is not there"), ("notes.txt", "is no code"), ("empty", "holds no files")]
)
def test_what_cannot_be_deployed_is_refused_in_words(tmp_path: Path, path: str, message: str) -> None:
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CliError, match=message):
        read_source(tmp_path / path)
