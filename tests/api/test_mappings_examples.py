"""The example that a newcomer runs: one command, and an order becomes an invoice."""

import subprocess
import sys
from pathlib import Path

from fakes.live_server import LiveServer

EXAMPLE = Path(__file__).parents[2] / "examples" / "queue-to-queue"


def test_an_order_goes_through_a_function_into_another_queue(live_server: LiveServer) -> None:
    command = [sys.executable, str(EXAMPLE / "run.py")]
    ran = subprocess.run(command, env=live_server.env, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == ['invoices: {"order": "A1", "total": 15}', "orders-dead: this is no order"]
