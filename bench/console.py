"""The console with a thousand functions, ten thousand environments behind them and a million lines of their logs.

How long its pages take, how soon a live tail shows a line, and what an open console takes from warm invocations.
"""

import asyncio
import http.client
import json
import socket
import sqlite3
import statistics
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from urllib.parse import quote, urlencode

from load import measure
from processes import cpu_seconds
from scale import Scale
from stoker_target import REGION, Stoker

from stoker.model.invocation import LedgerEntry, LogEvent, LogStream, Report
from stoker.observability import database
from stoker.observability.ingest import BATCH_RECORDS, Ingest
from stoker.observability.records import encode

FUNCTIONS = 1_000
ENVIRONMENTS = 10_000
# START, a line of its own, END and REPORT of each.
INVOCATIONS = 250_000
# Of one function, so that a large group is there beside many small ones.
BUSY_SHARE = 0.5
# How long ago the first of them ran: a week, so that the shorter ranges have their part of it.
SPAN_S = 7 * 86_400
PATIENCE_S = 30.0
CONSOLE = "/_stoker/console"
HELLO = "fn-0000"
TAILED = "tailed"
SAYS = "def handler(event, context):\n    print(event['name'])\n    return 1\n"
# How often each page is asked for, and how many lines are waited for.
VISITS = 20
LINES = 20


@dataclass(kw_only=True)
class Load:
    """By rounds."""

    per_second: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)


@dataclass(kw_only=True)
class ConsoleFigures:
    """Milliseconds of each page by its name and of each line; by rounds, answers a second and what one takes of the
    server's own process (µs of CPU), by what was open.
    """

    pages_ms: dict[str, list[float]] = field(default_factory=dict)
    lines_ms: list[float] = field(default_factory=list)
    closed: Load = field(default_factory=Load)
    watched: Load = field(default_factory=Load)
    tailed: Load = field(default_factory=Load)

    @property
    def slowest(self) -> tuple[str, float]:
        """The page whose 95th percentile is the largest, and that."""
        return max(((name, p95(times)) for name, times in self.pages_ms.items()), key=lambda each: each[1])


def p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


async def measure_console(stoker: Stoker, scale: Scale, runtime: str) -> ConsoleFigures:
    """Leaves Stoker started anew, with all that data."""
    stoker.deploy(HELLO, "def handler(event, context):\n    return 1\n", runtime=runtime, suffix=".py")
    stoker.deploy(TAILED, SAYS, runtime=runtime, suffix=".py")
    stoker.invoke(HELLO)
    stoker.stop()
    now = time.time()
    await asyncio.to_thread(_fill, stoker, now)
    stoker.start()
    figures = ConsoleFigures()
    await asyncio.to_thread(_time_pages, stoker, figures, now)
    await asyncio.to_thread(_time_lines, stoker, figures)
    await _load(stoker, scale, figures)
    return figures


class Visitor:
    """Somebody who is signed in, on a connection that is kept."""

    def __init__(self, stoker: Stoker) -> None:
        self._port = stoker.port
        self._connection = http.client.HTTPConnection("127.0.0.1", stoker.port, timeout=PATIENCE_S)
        key, secret = stoker.keys
        form = urlencode({"access-key": key, "secret-key": secret, "region": REGION, "to": ""})
        origin = f"http://127.0.0.1:{stoker.port}"
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": origin}
        self._connection.request("POST", f"{CONSOLE}/sign-in", form, headers)
        answer = self._connection.getresponse()
        answer.read()
        self._cookie = (answer.getheader("set-cookie") or "").partition(";")[0]

    def page(self, path: str, *, fragment: bool = False) -> str:
        headers = {"Cookie": self._cookie, **({"X-Stoker-Fragment": "1"} if fragment else {})}
        self._connection.request("GET", CONSOLE + path, headers=headers)
        answer = self._connection.getresponse()
        text = answer.read().decode()
        if answer.status != 200:
            raise SystemExit(f"{path}: {answer.status} {text[:500]}")
        return text

    @contextmanager
    def listening(self, path: str) -> Iterator["SimpleQueue[tuple[float, str, str]]"]:
        """What a stream of events says, with the moment at which it came."""
        heard: SimpleQueue[tuple[float, str, str]] = SimpleQueue()
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_S)
        connection.request("GET", CONSOLE + path, headers={"Cookie": self._cookie})
        answer = connection.getresponse()

        def listen() -> None:
            name = ""
            try:
                while line := answer.readline():
                    if line.startswith(b"event: "):
                        name = line[7:].decode().strip()
                    elif line.startswith(b"data: "):
                        heard.put((time.perf_counter(), name, line[6:].decode().strip()))
            except http.client.HTTPException:
                return

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        try:
            yield heard
        finally:
            connection.sock.shutdown(socket.SHUT_RDWR)
            thread.join()
            connection.close()


def _pages(request: str, at_ms: int) -> Mapping[str, tuple[str, bool]]:
    """The pages by what they are called, each with whether only a part of it is asked for."""
    busy = quote("/aws/lambda/fn-0000", safe="")
    return {
        "functions": ("/functions", False),
        "functions, searched": ("/functions?q=fn-07", True),
        "a function": (f"/functions/{HELLO}", False),
        "its configuration": (f"/functions/{HELLO}/configuration", False),
        "its triggers": (f"/functions/{HELLO}/triggers", False),
        "its versions": (f"/functions/{HELLO}/versions", False),
        "its log": (f"/functions/{HELLO}/logs", False),
        "log groups": ("/logs", False),
        "log groups, searched": ("/logs?q=fn-07", True),
        "a log of 500,000 lines": (f"/logs?group={busy}&range=all", False),
        "a log, errors": (f"/logs?group={busy}&range=all&filter=errors", True),
        "a log, a rare word": (f"/logs?group={busy}&range=all&filter=nowhere", True),
        "a call in a log": (f"/logs?group={busy}&request={request}&at={at_ms}", True),
        "environments": ("/environments", False),
        "bill": ("/bill", False),
        "create a function": ("/functions/new", False),
        "queues": ("/queues", False),
        "buckets": ("/buckets", False),
        "tables": ("/tables", False),
        "schedules": ("/schedules", False),
    }


def _time_pages(stoker: Stoker, figures: ConsoleFigures, now: float) -> None:
    visitor, one = Visitor(stoker), INVOCATIONS // 4
    pages = _pages(_request_id(one), int(_ended(one, now) * 1000))
    for path, fragment in pages.values():
        visitor.page(path, fragment=fragment)
    for name, (path, fragment) in pages.items():
        times = figures.pages_ms[name] = []
        for _ in range(VISITS):
            began = time.perf_counter()
            visitor.page(path, fragment=fragment)
            times.append((time.perf_counter() - began) * 1000)


def _time_lines(stoker: Stoker, figures: ConsoleFigures) -> None:
    """From before the first byte of an Invoke to the line that it logs, in the reader's hands."""
    client, visitor = stoker.client("lambda"), Visitor(stoker)
    client.invoke(FunctionName=TAILED, Payload=b'{"name": "first"}')
    group = quote(f"/aws/lambda/{TAILED}", safe="")
    with visitor.listening(f"/logs/tail?group={group}&filter=") as heard:
        _wait_for(heard, "started", "")
        for number in range(LINES):
            word, began = f"line-{number}-", time.perf_counter()
            client.invoke(FunctionName=TAILED, Payload=json.dumps({"name": word}).encode())
            figures.lines_ms.append((_wait_for(heard, "lines", word) - began) * 1000)


def _wait_for(heard: "SimpleQueue[tuple[float, str, str]]", name: str, text: str) -> float:
    try:
        while True:
            at, event, data = heard.get(timeout=PATIENCE_S)
            if event == name and text in data:
                return at
    except Empty:
        raise SystemExit(f"no {name} {text} within {PATIENCE_S} s") from None


async def _load(stoker: Stoker, scale: Scale, figures: ConsoleFigures) -> None:
    """Warm invocations without the console, with the picture of environments, and with a live tail of what runs."""
    visitor = await asyncio.to_thread(Visitor, stoker)
    group = quote(f"/aws/lambda/{HELLO}", safe="")
    opened = (
        ((), figures.closed),
        (("/environments/live",), figures.watched),
        (("/environments/live", f"/logs/tail?group={group}&filter="), figures.tailed),
    )
    await measure(stoker.endpoint(HELLO), connections=scale.connections, seconds=scale.latency_s)
    for number in range(scale.warm_rounds):
        turn = number % len(opened)
        for paths, figure in (*opened[turn:], *opened[:turn]):
            with ExitStack() as stack:
                for path in paths:
                    stack.enter_context(visitor.listening(path))
                before = cpu_seconds([stoker.server.pid])
                load = await measure(stoker.endpoint(HELLO), connections=scale.connections, seconds=scale.latency_s)
                used = cpu_seconds([stoker.server.pid]) - before
            figure.per_second.append(load.per_second)
            figure.cpu_us.append(used * 1e6 / len(load.latencies_ns))


def _fill(stoker: Stoker, now: float) -> None:
    """Put it all there behind Stoker's back: through its door it would take an hour."""
    with sqlite3.connect(stoker.data / "stoker.db") as store:
        _fill_functions(store)
    with closing(database.open_writer(next(stoker.data.rglob("telemetry.db")))) as telemetry:
        _fill_telemetry(telemetry, now)


def _fill_functions(store: sqlite3.Connection) -> None:
    """The first function under other names."""
    for table, where in (("functions", "name = ?"), ("function_versions", "name = ? AND number = 0")):
        cursor = store.execute(f"SELECT * FROM {table} WHERE {where}", (HELLO,))
        row = cursor.fetchone()
        for number in range(1, FUNCTIONS):
            copied = [each.replace(HELLO, _function(number)) if isinstance(each, str) else each for each in row]
            store.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", copied)


def _function(number: int) -> str:
    return f"fn-{number:04d}"


def _request_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def _ended(number: int, now: float) -> float:
    """Those of the busy function are spread over the whole time as the others are."""
    return now - SPAN_S * (1 - (number * 2 % INVOCATIONS) / INVOCATIONS)


def _fill_telemetry(telemetry: sqlite3.Connection, now: float) -> None:
    """A group for each function, a stream for each environment, and what its invocations left behind."""
    begun_ms = int((now - SPAN_S) * 1000)
    insert_group = "INSERT OR IGNORE INTO log_groups (region, name, created_ms) VALUES (?, ?, ?)"
    telemetry.executemany(insert_group, ((REGION, f"/aws/lambda/{_function(n)}", begun_ms) for n in range(FUNCTIONS)))
    ids = dict(telemetry.execute("SELECT name, id FROM log_groups").fetchall())
    insert_stream = "INSERT INTO log_streams (group_id, name, created_ms) VALUES (?, ?, ?)"
    environments = [(ids[f"/aws/lambda/{_function(n % FUNCTIONS)}"], _stream(n), begun_ms) for n in range(ENVIRONMENTS)]
    telemetry.executemany(insert_stream, environments)
    ingest = Ingest(telemetry)
    by_time = sorted(range(INVOCATIONS), key=lambda number: _ended(number, now))
    for first in range(0, INVOCATIONS, BATCH_RECORDS):
        # Behind the journal's back: its own position stays.
        records = [_record(number, now) for number in by_time[first : first + BATCH_RECORDS]]
        ingest.apply(records, ingest.position)


def _stream(environment: int) -> str:
    return f"2026/01/01/[$LATEST]{environment:032x}"


def _record(number: int, now: float) -> bytes:
    function = 0 if number < INVOCATIONS * BUSY_SHARE else 1 + number % (FUNCTIONS - 1)
    name, environment = _function(function), function + FUNCTIONS * (number % (ENVIRONMENTS // FUNCTIONS))
    at, request, failed = _ended(number, now), _request_id(number), number % 100 == 0
    word = "[ERROR] ValueError: too cold" if failed else "stoking the fire with a line of usual length"
    lines = (
        f"START RequestId: {request} Version: $LATEST",
        f"2026-01-01T00:00:00.000Z\t{request}\t{word}",
        f"END RequestId: {request}",
        f"REPORT RequestId: {request}\tDuration: 1.00 ms\tBilled Duration: 1 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 30 MB",
    )
    report = Report(
        request_id=request,
        duration_ms=1.0,
        billed_ms=1,
        memory_mb=128,
        max_memory_mb=30,
        status="error" if failed else "success",
        error_type="Unhandled" if failed else None,
    )
    ledger = LedgerEntry(
        request_id=request,
        at=at,
        account="000000000000",
        region=REGION,
        function=name,
        version="$LATEST",
        architecture="x86_64",
        report=report,
    )
    stream = LogStream(region=REGION, group=f"/aws/lambda/{name}", stream=_stream(environment))
    events = [LogEvent(timestamp_ms=int(at * 1000), message=line) for line in lines]
    return encode(int(at * 1000), stream, events, ledger)
