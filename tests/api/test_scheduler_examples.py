"""The example that a newcomer runs: one command, and a cron and a rate call a function."""

import subprocess
import sys
from pathlib import Path

import pytest

from fakes.live_server import LiveServer

EXAMPLE = Path(__file__).parents[2] / "examples" / "schedules"


@pytest.mark.slow
def test_a_cron_and_a_rate_call_a_function(live_server: LiveServer) -> None:
    command = [sys.executable, str(EXAMPLE / "run.py")]
    ran = subprocess.run(command, env=live_server.env, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr
    assert sorted(ran.stdout.splitlines()) == ["fired: Scheduled Event", "fired: every five minutes"]
