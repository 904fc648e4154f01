"""The process that runs one query: `python -m stoker.observability.insights.worker`, with a Job on its standard input.

A process of its own, since queries are somebody else's programs: it may use only so much memory and time, dies when it
is killed whatever it does, and leaves the interpreter's lock to the event loop. Even to compile its patterns can take
for ever. It answers in lines of JSON: `{"malformed": reason}`, or `{"at": figures}` when it begins and while it runs, a
list for each row of the result, and in the end `{"done": figures}`, `{"timeout": reason}` or `{"failed": reason}`.
"""

import os
import pickle
import resource
import signal
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from stoker.linux import credentials
from stoker.observability import database
from stoker.observability.insights.pipeline import Program, Result, TooManyGroupsError
from stoker.observability.insights.query import MalformedQueryError, Query
from stoker.observability.insights.rows import Row
from stoker.observability.insights.scan import Group, Scanned, Span, scan

# CloudWatch's own limit is an hour.
TIMEOUT_S = 300.0
MEMORY_BYTES = 1 << 30
MOST_RESULT_BYTES = 32 << 20
# As far behind invocations as can be: nobody's answer waits for it.
NICE = 10
TELL_EVERY_S = 0.2
# How many rows are looked at between two looks at the clock.
_STRIDE = 1_000


class Job(Struct, frozen=True, kw_only=True):
    """One query, ready to run, and over which events. `path` is the database's."""

    path: str
    account: str
    groups: Sequence[Group]
    span: Span
    query: Query
    limit: int | None
    now_s: int
    timeout_s: float = TIMEOUT_S
    memory_bytes: int = MEMORY_BYTES


class Figures(Struct, frozen=True, kw_only=True):
    """How far it is."""

    matched: int
    scanned: int
    bytes: int


class TooLargeError(Exception):
    """The result is larger than can be kept."""


def run(job: Job, out: BinaryIO) -> None:
    """Write the answer."""
    try:
        answer: dict[str, object] = {"done": _run(job, out)}
    except MalformedQueryError as error:
        answer = {"malformed": str(error)}
    except TimeoutError:
        answer = {"timeout": "A regular expression takes too long."}
    except MemoryError:
        answer = {"failed": f"The query takes more than {job.memory_bytes >> 20} MB of memory."}
    except (TooManyGroupsError, TooLargeError, sqlite3.Error) as error:
        answer = {"failed": str(error)}
    _write(out, answer)


def _run(job: Job, out: BinaryIO) -> Figures:
    program, scanned = Program(job.query, limit=job.limit, now_s=job.now_s), Scanned()

    def figures() -> Figures:
        return Figures(matched=program.tally.matched, scanned=scanned.events, bytes=scanned.bytes)

    def told(found: Iterator[Row]) -> Iterator[Row]:
        due = time.monotonic() + TELL_EVERY_S
        for count, row in enumerate(found, 1):
            if count % _STRIDE == 0 and (now := time.monotonic()) >= due:
                due = now + TELL_EVERY_S
                _write(out, {"at": figures()})
            yield row

    _write(out, {"at": figures()})
    connection = database.open_reader(Path(job.path))
    found = scan(connection, job.account, job.groups, job.span, scanned, oldest_first=program.oldest_first)
    size = 0
    for result in program.run(told(found)):
        size += _write(out, result)
        if size > MOST_RESULT_BYTES:
            raise TooLargeError(f"The result is larger than {MOST_RESULT_BYTES >> 20} MB.")
    return figures()


def _write(out: BinaryIO, value: dict[str, object] | Result) -> int:
    line = msgspec.json.encode(value) + b"\n"
    out.write(line)
    if isinstance(value, dict):
        out.flush()
    return len(line)


def main() -> None:
    credentials.set_parent_death_signal(signal.SIGKILL)
    os.nice(NICE)
    # A terminal's ^C is for the host.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    job: Job = pickle.load(sys.stdin.buffer)
    resource.setrlimit(resource.RLIMIT_AS, (job.memory_bytes, job.memory_bytes))
    # By default this signal ends the process, and nothing that it does can put that off.
    signal.setitimer(signal.ITIMER_REAL, job.timeout_s)
    run(job, sys.stdout.buffer)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
