"""What Logs Insights' queries cost over a million log lines: `.venv/bin/python bench/insights.py [QUERY…]`.

CPU time of the query's process, since its niceness makes wall time the machine's affair. The lines are a quarter each
START, an application's, JSON, and REPORT, as a function's log has them.
"""

import json
import os
import pickle
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from stoker.model.invocation import LogEvent, LogStream
from stoker.observability import database
from stoker.observability.ingest import Ingest
from stoker.observability.insights.parser import QueryParser
from stoker.observability.insights.scan import Group, Span
from stoker.observability.insights.worker import Job
from stoker.observability.journal import Position
from stoker.observability.records import encode

LINES, STREAMS, APART_MS = 1_000_000, 50, 5
DRAINED_AT_ONCE = 200 // APART_MS // 4
LEVELS = ("INFO", "INFO", "ERROR")
GROUP = "/aws/lambda/measured"
QUERIES = (
    "fields @timestamp, @message | sort @timestamp desc | limit 20",
    "filter @message like /ERROR/ | stats count(*)",
    "stats count(*) by bin(5m)",
    'filter @type = "REPORT" | stats avg(@duration), max(@duration), pct(@duration, 95) by bin(5m)',
    "filter n > 50 | stats count(*) by n",
    'parse @message "user=* did *" as user, did | stats count(*) as c by user | sort c desc | limit 10',
    "fields @message | sort @duration desc | limit 25",
)


def lines() -> Iterator[str]:
    chance = random.Random(1)
    for number in range(LINES):
        bits = f"{chance.getrandbits(128):032x}"
        request = f"{bits[:8]}-{bits[8:12]}-{bits[12:16]}-{bits[16:20]}-{bits[20:]}"
        yield (
            f"START RequestId: {request} Version: $LATEST\n",
            f"2026-11-23T00:00:00.000Z\t{request}\t{chance.choice(LEVELS)}\tuser={number % 997} did put\n",
            json.dumps({"level": "INFO", "n": chance.randrange(100), "path": "/a/b"}) + "\n",
            f"REPORT RequestId: {request}\tDuration: {chance.random() * 100:.2f} ms\tBilled Duration: 13 ms\t"
            "Memory Size: 128 MB\tMax Memory Used: 40 MB\t\n",
        )[number % 4]


def fill(path: Path) -> None:
    """An invocation's lines come together, and are drained with those of a fifth of a second."""
    connection = database.open_writer(path)
    ingest, payloads, each = Ingest(connection), [], lines()
    for number in range(0, LINES, 4):
        stream = LogStream(region="us-east-1", group=GROUP, stream=f"2026/11/23/[$LATEST]{number // 4 % STREAMS:032x}")
        events = [LogEvent(timestamp_ms=(number + more) * APART_MS, message=next(each)) for more in range(4)]
        payloads.append(encode(0, stream, events, None))
        if len(payloads) == DRAINED_AT_ONCE:
            ingest.apply(payloads, Position(segment=1, offset=number))
            payloads = []
    ingest.apply(payloads, Position(segment=1, offset=LINES))
    connection.close()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "telemetry.db"
        fill(path)
        parser = QueryParser()
        for text in sys.argv[1:] or QUERIES:
            job = Job(
                path=str(path),
                account="000000000000",
                groups=[Group(1, GROUP)],
                span=Span(0, LINES * APART_MS),
                query=parser.parse(text),
                limit=None,
                now_s=0,
            )
            before = os.times()
            command = [sys.executable, "-m", "stoker.observability.insights.worker"]
            done = subprocess.run(command, input=pickle.dumps(job), stdout=subprocess.PIPE, check=True)
            after = os.times()
            cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
            print(f"{cpu_s:6.2f} s  {text}  {done.stdout.splitlines()[-1].decode()}", flush=True)


if __name__ == "__main__":
    main()
