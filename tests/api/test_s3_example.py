"""The example that a newcomer runs: one command, and a photograph comes back as thumbnails."""

import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.live_server import LiveServer
from fakes.s3 import content

EXAMPLE = Path(__file__).parents[2] / "examples" / "thumbnails"


def width_of(jpeg: bytes) -> int:
    """What the frame's header says."""
    found = re.search(rb"\xff[\xc0\xc2]..\x08(..)(..)", jpeg, re.DOTALL)
    assert found is not None
    width: int = struct.unpack(">H", found[2])[0]
    return width


@pytest.mark.slow
def test_a_photograph_comes_back_as_thumbnails_by_one_command(live_server: LiveServer) -> None:
    command = [sys.executable, str(EXAMPLE / "run.py")]
    ran = subprocess.run(command, env=live_server.env, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr
    names = [line.partition(":")[0] for line in ran.stdout.splitlines()]
    assert names == ["lake at dusk-160.jpg", "lake at dusk-640.jpg"]
    s3 = live_server.client("s3")
    assert [width_of(content(s3, "photos-thumbnails", name)) for name in names] == [160, 640]
