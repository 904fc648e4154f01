"""A function's code as files, and what its log says of a call."""

import io
import zipfile

import pytest

from fakes.zips import zip_of
from stoker.console import package
from stoker.console.pages.creating import first_files
from stoker.console.pages.logs import Line, with_requests
from stoker.console.rendering import Renderer
from stoker.console.report import Report, report_in
from stoker.console.starters import STARTERS, codes
from stoker.console.visit import InputError
from stoker.model.sample_event import TITLES


def test_a_changed_file_leaves_the_others_as_they_are() -> None:
    before = zip_of({"app.py": "old", "lib/data.bin": b"\0\1", "run.sh": "#!"})
    after = package.changed(before, {"app.py": "new", "lib/more.py": "x = 1"}, removed=["run.sh"])
    with zipfile.ZipFile(io.BytesIO(after)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "lib/data.bin": b"\0\1",
            "app.py": b"new",
            "lib/more.py": b"x = 1",
        }


def test_only_texts_can_be_edited() -> None:
    long = "x" * (package.MOST_TEXT + 1)
    files = package.files_of(zip_of({"app.py": "print()", "a.bin": b"\0", "b.bin": b"\xff\xfe", "long.txt": long}))
    assert [(file.path, file.text) for file in files] == [
        ("a.bin", None),
        ("app.py", "print()"),
        ("b.bin", None),
        ("long.txt", None),
    ]


@pytest.mark.parametrize("path", ["../app.py", "/etc/passwd", "a//b", "", "a\\b", "a\nb", "./a", "x" * 300])
def test_a_file_stays_in_its_function_s_folder(path: str) -> None:
    with pytest.raises(InputError):
        package.changed(zip_of(), {path: "x"})


def test_a_bootstrap_can_be_executed() -> None:
    with zipfile.ZipFile(io.BytesIO(package.new({"bootstrap": "#!/bin/sh", "app.py": ""}))) as archive:
        modes = {info.filename: oct(info.external_attr >> 16) for info in archive.infolist()}
    assert modes == {"bootstrap": "0o100755", "app.py": "0o100644"}


def test_what_is_no_zip_is_said_to_be_none() -> None:
    with pytest.raises(InputError):
        package.files_of(b"no zip")


def test_a_report_is_read_in_either_format() -> None:
    text = (
        "START\nREPORT RequestId: 1\tDuration: 1.50 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 40 MB\tInit Duration: 12.25 ms\t\n"
    )
    wanted = Report(duration=1.5, billed=2.0, memory=128.0, used=40.0, init=12.25)
    assert report_in(text) == wanted
    metrics = '{"durationMs":1.5,"billedDurationMs":2,"memorySizeMB":128,"maxMemoryUsedMB":40,"initDurationMs":12.25}'
    assert report_in(f'{{"type":"platform.report","record":{{"metrics":{metrics}}}}}\n') == wanted
    assert report_in("REPORT of nothing\n") is None
    assert report_in('{"type":"platform.report"}') is None


def test_lines_belong_to_the_call_that_ran_in_their_stream() -> None:
    texts = ["INIT_START", "START RequestId: r-1 V", "mine", "REPORT RequestId: r-1", "between", "START RequestId: r-2"]
    lines = with_requests([Line(at=1, stream="s", text=text) for text in texts])
    assert [line.request for line in lines] == ["", "r-1", "r-1", "r-1", "", "r-2"]


@pytest.mark.parametrize("starter", STARTERS, ids=lambda starter: starter.name)
def test_each_starter_is_there_for_python_and_node(starter) -> None:  # type: ignore[no-untyped-def]
    texts = {each.kind: (each.path, each.text) for each in codes() if each.starter == starter.name}
    compile(texts["python"][1], texts["python"][0], "exec")
    assert "export const handler" in texts["node"][1]
    assert starter.event in TITLES


def test_what_was_written_is_the_function_and_else_the_starter_that_was_chosen() -> None:
    known = codes()
    shown, wanted = known[0], next(each for each in known if (each.starter, each.kind) == ("web", "node"))
    for unchanged in ("", shown.text, f"\n{wanted.text}\n"):
        assert first_files(unchanged, wanted, known) == {"index.mjs": wanted.text}
    assert first_files("// mine", wanted, known) == {"index.mjs": "// mine"}


def test_what_is_no_unicode_is_shown_all_the_same() -> None:
    assert Renderer(root="").render("refusal.html", {"error": "\udc80 & <b>"}).count(b"? &amp; &lt;b&gt;") == 1
