"""A soak: load on one Stoker while its processes, and it itself, are killed with signal 9. What is lost is said.

    .venv/bin/python bench/soak.py [--minutes 10]

Four clients send asynchronous events, two wait for answers, and four put messages, records, items and objects where a
function hears of them; every few seconds one process below Stoker's is killed, and about once a minute Stoker itself,
which is then started on the same data. At the end every acknowledged event has to be in the queue of results or in
that of failures, and whatever else was acknowledged has to be handled or in its dead-letter queue; the bill has to say
what the REPORT lines say, and nothing may be left: no file of an object, no process, mount or cgroup. The exit status
is 1 if any of it is not so.
"""

import argparse
import glob
import itertools
import json
import os
import random
import re
import signal
import sqlite3
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Sequence, Set
from contextlib import closing
from pathlib import Path
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError
from processes import tree
from soak_sources import SINK, Sources
from stoker_target import REGION, Stoker

SOURCE = """
import os

def handler(event, context):
    if event.get("how") == "raises":
        raise ValueError("asked to")
    if event.get("how") == "dies":
        os._exit(3)
    return event["id"]
"""
# The function that events are sent to.
EVENTS = "soak"
REPORT = re.compile(r"REPORT RequestId: (\S+)\t.*Billed Duration: (\d+) ms")
# Two attempts a minute apart, leases of an owner that was killed, and a machine that is busy.
PATIENCE_S = 400.0


class Soak:
    """The load, the blows, and what was acknowledged."""

    def __init__(self, stoker: Stoker) -> None:
        self.stoker = stoker
        self.events: set[str] = set()
        self.answers: set[str] = set()
        self.sources = Sources(stoker)
        self.put: dict[str, set[str]] = {service: set() for service in self.sources.sends}
        self.kills: Counter[str] = Counter()
        self.pids: list[int] = []
        self._over = threading.Event()
        self._up = threading.Event()
        self._lock = threading.Lock()

    def prepare(self) -> None:
        """A function with a queue for its results and one for its failures."""
        self._start()
        sqs = self.stoker.client("sqs")
        self.queues = [sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("done", "dead")]
        done, dead = (
            sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
            for url in self.queues
        )
        self.stoker.deploy(EVENTS, SOURCE, runtime="python{}.{}".format(*sys.version_info[:2]), suffix=".py")
        self.stoker.client("lambda").put_function_event_invoke_config(
            FunctionName=EVENTS,
            MaximumRetryAttempts=1,
            DestinationConfig={"OnSuccess": {"Destination": done}, "OnFailure": {"Destination": dead}},
        )
        self.sources.prepare(failures=dead)
        self._up.set()

    def run(self, seconds: float) -> None:
        """Load and blows for so long."""
        clients = [threading.Thread(target=self._send_events, args=(number,)) for number in range(4)]
        clients += [threading.Thread(target=self._invoke) for _ in range(2)]
        clients += [threading.Thread(target=self._put, args=(service,)) for service in self.put]
        for client in clients:
            client.start()
        end = time.monotonic() + seconds
        next_fall = time.monotonic() + random.uniform(30, 60)
        while time.monotonic() < end:
            time.sleep(random.uniform(2, 6))
            if time.monotonic() > next_fall:
                self._fell_stoker()
                next_fall = time.monotonic() + random.uniform(30, 60)
            else:
                self._fell_a_helper()
        self._over.set()
        for client in clients:
            client.join()

    def _start(self) -> None:
        self.stoker.start()
        self.pids.append(self.stoker.server.pid)

    def _fell_stoker(self) -> None:
        self._up.clear()
        os.kill(self.stoker.server.pid, signal.SIGKILL)
        self.kills["Stoker"] += 1
        self._start()
        self._up.set()

    def _fell_a_helper(self) -> None:
        victims = sorted(tree(self.stoker.server.pid) - {self.stoker.server.pid})
        if victims:
            try:
                os.kill(random.choice(victims), signal.SIGKILL)
                self.kills["a process of its"] += 1
            except ProcessLookupError:
                pass

    def _send_events(self, number: int) -> None:
        numbers = itertools.count()

        def send(client: Any) -> None:
            event = {"id": f"{number}-{next(numbers)}", "how": random.choices(["", "raises", "dies"], [97, 2, 1])[0]}
            client.invoke(FunctionName=EVENTS, InvocationType="Event", Payload=json.dumps(event))
            with self._lock:
                self.events.add(event["id"])
            # So many that the function keeps up: what is looked for is loss, and not a backlog.
            time.sleep(0.02)

        self._go_on("lambda", send)

    def _put(self, service: str) -> None:
        names, send = self.sources.names(service), self.sources.sends[service]

        def put(client: Any) -> None:
            name = next(names)
            send(client, name)
            with self._lock:
                self.put[service].add(name)
            time.sleep(0.05)

        self._go_on(service, put)

    def _invoke(self) -> None:
        def invoke(client: Any) -> None:
            answer = client.invoke(FunctionName=EVENTS, Payload=json.dumps({"id": "asked"}))
            answer["Payload"].read()
            with self._lock:
                self.answers.add(answer["ResponseMetadata"]["RequestId"])

        self._go_on("lambda", invoke)

    def _go_on(self, service: str, call: Callable[[Any], None]) -> None:
        """Call until it is over. Who is not answered goes on when Stoker is up again."""
        while not self._over.is_set():
            self._up.wait()
            client = self.stoker.client(service)
            try:
                while not self._over.is_set():
                    call(client)
            except (ClientError, BotoCoreError):
                time.sleep(0.1)

    def settled(self) -> tuple[Counter[str], Counter[str]]:
        """How often each event's result and failure arrived, once all have or nothing comes any more.

        Among the failures are objects that the function of the sources was not told of.
        """
        found: list[Counter[str]] = [Counter(), Counter()]
        end = time.monotonic() + PATIENCE_S
        while self.events - found[0].keys() - found[1].keys() and time.monotonic() < end:
            for url, seen in zip(self.queues, found, strict=True):
                seen.update(_name_of(json.loads(body)["requestPayload"]) for body in self._taken(url))
            time.sleep(1.0)
        return found[0], found[1]

    def lost(self, failures: Set[str]) -> dict[str, set[str]]:
        """By service, what was put there and neither handled nor found where it goes then, once nothing more comes."""
        end, dead = time.monotonic() + PATIENCE_S, set(failures)
        while True:
            dead.update(self._taken(self.sources.dead_letters))
            over = self.sources.handled() | dead
            lost = {service: names - over for service, names in self.put.items()}
            if not any(lost.values()) or time.monotonic() > end:
                return lost
            dead.update(_name_of(json.loads(body)["requestPayload"]) for body in self._taken(self.queues[1]))
            time.sleep(5.0)

    def _taken(self, url: str) -> list[str]:
        """The bodies of what is in a queue, which are then gone from it."""
        sqs, bodies = self.stoker.client("sqs"), []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            bodies += [message["Body"] for message in messages]
            entries = [{"Id": m["MessageId"], "ReceiptHandle": m["ReceiptHandle"]} for m in messages]
            sqs.delete_message_batch(QueueUrl=url, Entries=entries)
        return bodies

    def reports(self, function: str) -> list[tuple[str, int]]:
        """Request and billed milliseconds of each REPORT line. Attempts at one event share its request's id."""
        pages = self.stoker.client("logs").get_paginator("filter_log_events")
        return [
            (request, int(billed))
            for page in pages.paginate(logGroupName=f"/aws/lambda/{function}", filterPattern='"REPORT RequestId"')
            for event in page["events"]
            for request, billed in REPORT.findall(event["message"])
        ]

    def bill(self, function: str) -> tuple[int, int]:
        """Requests and billed milliseconds."""
        url = f"http://127.0.0.1:{self.stoker.port}/_stoker/bill"
        request = AWSRequest("GET", url)
        SigV4Auth(Credentials(*self.stoker.keys), "stoker", REGION).add_auth(request)
        with urllib.request.urlopen(urllib.request.Request(url, headers=dict(request.headers)), timeout=60) as answer:
            lines = [line for line in json.load(answer)["lines"] if line["key"].endswith(f":{function}")]
        return sum(line["requests"] for line in lines), sum(line["billedMs"] for line in lines)


def _name_of(payload: Any) -> str:
    """Of an event that was sent, or of the object that a bucket tells of."""
    name: str = payload["id"] if "id" in payload else payload["Records"][0]["s3"]["object"]["key"]
    return name


def _left(data: Path) -> list[str]:
    """What of this Stoker is on the machine."""
    found = [f"mount {line.split()[1]}" for line in Path("/proc/mounts").read_text().splitlines() if str(data) in line]
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(data) in (entry / "cmdline").read_text():
                found.append(f"process {entry.name}")
        except OSError:
            continue  # ended while we looked
    return found


def _strays(data: Path) -> set[str]:
    """Files of objects that no object has, and objects' files that are not there."""
    with closing(sqlite3.connect(data / "stoker.db")) as store:
        bodies = {blob for (blob,) in store.execute("SELECT blob FROM s3_objects WHERE blob IS NOT NULL")}
    return bodies ^ {path.name for path in (data / "objects").rglob("*") if path.is_file()}


def _cgroups(pids: Sequence[int]) -> list[str]:
    """Those that are named after one of these servers."""
    found = glob.glob("/sys/fs/cgroup/**/stoker-*/", recursive=True)
    return [path for path in found if any(f"-{pid}-" in path for pid in pids)]


def _check(words: str, holds: bool) -> bool:
    print(f"{'yes' if holds else 'NO ':3}  {words}", flush=True)
    return holds


def _once(look: Callable[[], object], within_s: float = 30.0) -> bool:
    """Whether `look` finds nothing any more within that time."""
    end = time.monotonic() + within_s
    while look():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    minutes = parser.parse_args().minutes
    with Stoker() as stoker:
        soak = Soak(stoker)
        soak.prepare()
        soak.run(minutes * 60)
        done, dead = soak.settled()
        again = sum(count - 1 for count in (done + dead).values())
        print(
            f"{minutes:g} minutes; killed: {dict(soak.kills)}; {len(soak.answers)} answers, {len(soak.events)} events"
        )
        print(f"results {len(done)}, failures {len(dead)}, arrived once more than needed {again}")
        held = [
            _check("every acknowledged event is a result or a failure", not soak.events - done.keys() - dead.keys()),
            _check("something was sent in spite of it all", len(soak.events) > 100 * minutes),
        ]
        for service, names in soak.lost(dead.keys()).items():
            sent = len(soak.put[service])
            print(f"{service}: {sent} acknowledged, lost {sorted(names)[:5]}")
            held.append(_check(f"{service}: all of it was handled or is where failures go", bool(sent and not names)))
        for function in (EVENTS, SINK):
            lines = soak.reports(function)
            billed = len(lines), sum(ms for _, ms in lines)
            print(f"{function}: requests and milliseconds by the log {billed}, by the bill {soak.bill(function)}")
            held.append(_check("the bill is that of the REPORT lines", soak.bill(function) == billed))
            if function == EVENTS:
                missing = soak.answers - {request for request, _ in lines}
                held.append(_check("every answer has its REPORT line", not missing))
        stoker.stop()
        held.append(_check("each object has its file, and no other is left", not _strays(stoker.data)))
        held.append(_check("no process or mount is left", _once(lambda: _left(stoker.data))))
        held.append(_check("no cgroup is left", _once(lambda: _cgroups(soak.pids))))
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
