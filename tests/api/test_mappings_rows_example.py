"""The example that a newcomer runs: one command, and a row that changed is kept in a bucket."""

import subprocess
import sys
from pathlib import Path

from fakes.live_server import LiveServer
from fakes.postgres import own_postgres

EXAMPLE = Path(__file__).parents[2] / "examples" / "postgres-rows"


def test_a_row_that_changed_in_postgresql_is_kept_in_s3(live_server: LiveServer) -> None:
    with own_postgres() as postgres:
        command = [sys.executable, str(EXAMPLE / "run.py"), postgres.url]
        ran = subprocess.run(command, env=live_server.env, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [
        "INSERT {'id': {'N': '1'}} {'id': {'N': '1'}, 'total': {'N': '15.50'}, 'state': {'S': 'new'}}",
        "MODIFY {'id': {'N': '1'}} {'id': {'N': '1'}, 'total': {'N': '15.50'}, 'state': {'S': 'paid'}}",
        "REMOVE {'id': {'N': '1'}} None",
    ]
