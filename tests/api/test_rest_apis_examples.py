"""The example of a REST API that a newcomer runs: Flask, as it comes."""

import subprocess
import sys
from pathlib import Path

import pytest

from fakes.live_server import LiveServer

EXAMPLE = Path(__file__).parents[2] / "examples" / "flask"


@pytest.mark.slow
def test_flask_passes_its_own_tests_through_the_gateway(live_server: LiveServer) -> None:
    command = [sys.executable, str(EXAMPLE / "run.py")]
    done = subprocess.run(command, env=live_server.env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "/demo/ in a browser" in done.stdout
