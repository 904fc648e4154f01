"""The example that matters: a real photograph made smaller by a function with a dependency."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from fakes.command_line import stoker

THUMBNAIL = Path(__file__).parents[2] / "examples" / "thumbnail"
PHOTO = THUMBNAIL / "photo.jpg"

# An EXIF block with nothing but an Orientation of 6, "turn by 90 degrees to the right", as JPEG's APP1 segment.
TURNED = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"


@pytest.fixture(scope="module")
def thumbnail(live_server: Any) -> Any:
    stoker(live_server.env, "deploy", THUMBNAIL)
    return live_server


def invoke(server: Any, event: dict[str, object]) -> Any:
    answer = server.client("lambda").invoke(FunctionName="thumbnail", Payload=json.dumps(event))
    return json.loads(answer["Payload"].read())


def encoded(photo: bytes) -> str:
    return base64.b64encode(photo).decode()


def test_a_photograph_comes_back_smaller_cold_and_then_warm(thumbnail: Any, tmp_path: Path) -> None:
    save = ["--save", f"image={tmp_path / 'small.jpg'}"]
    for _ in ("cold", "warm"):
        answer = stoker(thumbnail.env, "invoke", "thumbnail", "--file", f"image={PHOTO}", *save)
        result = json.loads(answer.stdout)
        assert (result["width"], result["height"], result["format"]) == (320, 213, "JPEG")
        small = (tmp_path / "small.jpg").read_bytes()
        assert small.startswith(b"\xff\xd8\xff") and len(small) == result["bytes"] < 60_000
    assert "warm · ran" in answer.stderr


def test_a_photograph_that_was_taken_upright_comes_back_upright(thumbnail: Any) -> None:
    photo = PHOTO.read_bytes()
    segment = b"\xff\xe1" + (len(TURNED) + 2).to_bytes(2, "big") + TURNED
    result = invoke(thumbnail, {"image": encoded(photo[:2] + segment + photo[2:]), "width": 200})
    assert (result["width"], result["height"]) == (200, 300)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({}, "needs an `image`"),
        ({"image": "§"}, "no base64"),
        ({"image": encoded(b"no picture")}, "nothing that Pillow knows"),
        ({"image": encoded(b"x"), "width": 0}, "nothing that Pillow knows"),
    ],
)
def test_what_is_no_photograph_is_refused_in_words(thumbnail: Any, event: dict[str, object], message: str) -> None:
    assert message in invoke(thumbnail, event)["errorMessage"]


def test_a_width_that_makes_no_sense_is_refused_in_words(thumbnail: Any) -> None:
    answer = invoke(thumbnail, {"image": encoded(PHOTO.read_bytes()), "width": -1})
    assert "`width` has to be" in answer["errorMessage"]


def test_a_redeployment_installs_and_sends_nothing(thumbnail: Any) -> None:
    deployed = stoker(thumbnail.env, "deploy", THUMBNAIL, "--json")
    assert json.loads(deployed.stdout)["outcome"] == "unchanged"
