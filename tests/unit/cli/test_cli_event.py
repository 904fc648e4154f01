"""The event that is sent, and files that travel in it and in the answer."""

import base64
import io
import json
from pathlib import Path

import pytest

from stoker.cli.event import read_event, save_files, with_files
from stoker.cli.failures import CliError


def test_the_event_comes_from_where_it_was_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "event.json").write_text("[1]")
    monkeypatch.setattr("sys.stdin", io.StringIO("[2]"))
    assert read_event(None, None) == "{}"
    assert read_event("[0]", None) == "[0]"
    assert read_event(None, tmp_path / "event.json") == "[1]"
    assert read_event("-", None) == "[2]"


def test_an_event_that_is_no_json_is_refused_before_it_is_sent() -> None:
    with pytest.raises(CliError, match="no JSON"):
        read_event("hello", None)


@pytest.mark.parametrize("given", ["@some/event.json", "file://some/event.json", "fileb://some/event.json"])
def test_who_names_a_file_as_with_other_tools_is_told_how_it_is_said_here(given: str) -> None:
    with pytest.raises(CliError, match=r"--payload-file some/event\.json"):
        read_event(given, None)


def test_an_event_cannot_be_said_twice() -> None:
    with pytest.raises(CliError, match="one of them"):
        read_event("{}", Path("event.json"))


def test_a_file_goes_into_the_event_as_base64(tmp_path: Path) -> None:
    (tmp_path / "photo").write_bytes(b"\xff\xd8")
    assert json.loads(with_files('{"width": 1}', [f"image={tmp_path / 'photo'}"])) == {"width": 1, "image": "/9g="}


def test_a_member_of_the_answer_is_saved_and_not_shown(tmp_path: Path) -> None:
    shown = save_files({"image": base64.b64encode(b"\xff\xd8").decode(), "n": 1}, [f"image={tmp_path / 'out'}"])
    assert (tmp_path / "out").read_bytes() == b"\xff\xd8"
    assert shown["n"] == 1 and shown["image"].startswith("(2 bytes, saved to ")


@pytest.mark.parametrize(
    ("answer", "message"), [({}, "no text under"), ([], "no text under"), ({"k": "§"}, "no base64")]
)
def test_what_cannot_be_saved_is_said(tmp_path: Path, answer: object, message: str) -> None:
    with pytest.raises(CliError, match=message):
        save_files(answer, [f"k={tmp_path / 'out'}"])
