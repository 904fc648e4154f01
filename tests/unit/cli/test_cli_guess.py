"""Runtime and handler, read out of the code."""

from pathlib import Path

import pytest

from stoker.cli.failures import CliError
from stoker.cli.guess import guess_handler, guess_kind, newest
from stoker.cli.source import Source, read_source
from stoker.model.runtime import Runtime

HANDLER = "def handler(event, context): ...\n"


def source(folder: Path, files: dict[str, str]) -> Source:
    for name, text in files.items():
        (folder / name).write_text(text)
    return read_source(folder)


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"app.py": ""}, "python"),
        ({"index.mjs": ""}, "node"),
        ({"bootstrap": "", "app.py": ""}, "provided"),
        ({"app.py": "", "build.js": "", "requirements.txt": ""}, "python"),
        ({"tool.py": "", "index.js": "", "package.json": "{}"}, "node"),
    ],
)
def test_the_kind_of_code_is_told_by_its_files(tmp_path: Path, files: dict[str, str], kind: str) -> None:
    assert guess_kind(source(tmp_path, files)) == kind


def test_code_of_two_kinds_asks_for_the_runtime(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="--runtime"):
        guess_kind(source(tmp_path, {"app.py": "", "index.js": ""}))


def test_c_source_without_its_program_says_to_compile_it(tmp_path: Path) -> None:
    with pytest.raises(CliError, match=r"bootstrap\.c has to be compiled"):
        guess_kind(source(tmp_path, {"bootstrap.c": ""}))


@pytest.mark.parametrize(
    ("files", "handler"),
    [
        ({"lambda_function.py": "def lambda_handler(e, c): ...", "app.py": HANDLER}, "lambda_function.lambda_handler"),
        ({"app.py": HANDLER, "other.py": HANDLER}, "app.handler"),
        ({"resize.py": HANDLER, "tool.py": "def help(): ..."}, "resize.handler"),
        ({"app.py": "from web import handler"}, "app.handler"),
        ({"app.py": "handler = Adapter(site)"}, "app.handler"),
        ({"app.py": HANDLER + "match = ( # half\n"}, "app.handler"),
    ],
)
def test_a_python_handler_is_found_where_it_is_bound(tmp_path: Path, files: dict[str, str], handler: str) -> None:
    assert guess_handler(source(tmp_path, files), "python") == handler


@pytest.mark.parametrize(
    "text",
    [
        "exports.handler = async () => 1;",
        "module.exports.handler = f;",
        "module.exports = { other, handler };",
        "module.exports = { handler: run };",
        "export const handler = async () => 1;",
        "export async function handler(event) {}",
        "export { run as handler };",
    ],
)
def test_a_javascript_handler_is_found_in_every_usual_spelling(tmp_path: Path, text: str) -> None:
    assert guess_handler(source(tmp_path, {"index.mjs": text}), "node") == "index.handler"


def test_two_handlers_that_are_equally_likely_are_asked_about(tmp_path: Path) -> None:
    with pytest.raises(CliError, match=r"Which of a\.handler, b\.handler"):
        guess_handler(source(tmp_path, {"a.py": HANDLER, "b.py": HANDLER}), "python")


def test_a_nested_function_is_no_handler(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="--handler"):
        guess_handler(source(tmp_path, {"app.py": "def f():\n  def handler(e, c): ..."}), "python")


def test_the_newest_runtime_is_the_one_with_the_highest_number() -> None:
    names = ("python3.9", "python3.13", "python3.10")
    runtimes = [Runtime(name=name, kind="python", executable=Path("/usr/bin/python3")) for name in names]
    found = newest(runtimes, "python")
    assert found is not None and found.name == "python3.13"
    assert newest(runtimes, "node") is None
