"""The example of rows that are kept: one command."""

import subprocess
import sys
from pathlib import Path

from fakes.live_server import LiveServer

EXAMPLE = Path(__file__).parents[2] / "examples" / "dynamodb-rows"


def test_a_row_s_changes_are_kept_in_a_bucket_by_one_command(live_server: LiveServer) -> None:
    command = [sys.executable, str(EXAMPLE / "run.py")]
    ran = subprocess.run(command, env=live_server.env, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [
        "INSERT None {'S': 'new'}",
        "MODIFY {'S': 'new'} {'S': 'paid'}",
        "REMOVE {'S': 'paid'} None",
    ]
