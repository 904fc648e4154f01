"""What `make run` ends in."""

import subprocess
import sys
from pathlib import Path
from typing import Any

STOKER = Path(sys.executable).with_name("stoker")


def test_the_tour_shows_every_example_with_its_bill_and_where_to_go_on(live_server: Any) -> None:
    done = subprocess.run([STOKER, "tour"], env=live_server.env, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("hello-python", "hello-node", "hello-bootstrap", "thumbnail"):
        assert name in done.stderr
    assert "a JPEG of 320 x 213 pixels" in done.stdout
    assert "warm · ran" in done.stderr and "at AWS's price" in done.stderr
    assert f"{live_server.endpoint}/_stoker/console/" in done.stdout
