"""The example of an extension: one command, and a function's log is in a bucket."""

import subprocess
import sys
from pathlib import Path

import pytest

from fakes.live_server import LiveServer

EXAMPLE = Path(__file__).parents[2] / "examples" / "extension"


@pytest.mark.root
def test_a_log_shipper_in_a_layer_brings_the_log_to_a_bucket(live_server: LiveServer) -> None:
    command = [sys.executable, str(EXAMPLE / "run.py")]
    ran = subprocess.run(command, env=live_server.env, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert [line for line in lines if line.startswith("function")] == [
        'function: "order 1 is on its way\\n"',
        'function: "order 2 is on its way\\n"',
    ]
    assert len([line for line in lines if line.startswith("platform.report")]) == 2
