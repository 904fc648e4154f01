"""The queries of this Stoker: started, watched, stopped, and their results kept for a while.

Each runs in a process of its own (`worker.py`), two at a time; a thread waits for it. Queries are this Stoker's, in
memory: after a restart they are not known any more.
"""

import asyncio
import contextlib
import logging
import pickle
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec

from stoker.model.clock import Clock
from stoker.observability.insights.worker import Figures, Job

_log = logging.getLogger(__name__)

AT_ONCE = 2
MOST_WAITING = 30
MOST_KEPT = 200
MOST_KEPT_BYTES = 64 << 20
# A process that begins takes a fifth of a second.
BEGIN_LIMIT_S = 5.0

SCHEDULED, RUNNING, COMPLETE = "Scheduled", "Running", "Complete"
FAILED, CANCELLED, TIMEOUT = "Failed", "Cancelled", "Timeout"
_UNDER_WAY = frozenset({SCHEDULED, RUNNING})
# What a process says of its end, but for a good one.
_ENDS = {"malformed": FAILED, "failed": FAILED, "timeout": TIMEOUT}


class TooManyQueriesError(Exception):
    """So many queries run and wait already."""


class RunningQuery:
    """One query and what has become of it. Written by the thread that runs it."""

    def __init__(self, job: Job, *, text: str, region: str, created: float) -> None:
        self.id = str(uuid.uuid4())
        self.job = job
        self.text = text
        self.region = region
        self.created = created
        self.ended: float | None = None
        self.status = SCHEDULED
        self.reason: str | None = None
        # Why it is no query, if it is none. `begun` is set once that is known.
        self.malformed: str | None = None
        self.begun = asyncio.Event()
        self.figures = Figures(matched=0, scanned=0, bytes=0)
        # Rows as the process wrote them; complete once the status says so.
        self.rows: Sequence[bytes] = ()
        self.size = 0
        self._process: subprocess.Popen[bytes] | None = None

    def __repr__(self) -> str:
        return f"<RunningQuery {self.id} {self.status}, {self.figures.scanned} scanned>"

    @property
    def under_way(self) -> bool:
        return self.status in _UNDER_WAY

    def stop(self) -> bool:
        """End it; False if it has ended already."""
        if not self.under_way:
            return False
        self.status = CANCELLED
        if self._process is not None:
            self._process.kill()
        return True

    def fail(self) -> None:
        """It cannot go on, unless it has ended."""
        self._end(FAILED)

    def run(self, begun: Callable[[], None]) -> None:
        """Start its process and wait for the end. In a thread. `begun` is called when the process has looked at it."""
        if self.status != SCHEDULED:
            return
        command = [sys.executable, "-m", "stoker.observability.insights.worker"]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, env={}, cwd="/") as process:
            self._process = process
            if self.status != SCHEDULED:
                process.kill()
                return
            self.status = RUNNING
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(pickle.dumps(self.job))
                process.stdin.close()
            self._listen(process, begun)
            process.wait()
        if self.under_way:
            # It ended without a word: by its alarm, or because the machine had no memory left.
            self.status = TIMEOUT if process.returncode == -signal.SIGALRM else FAILED

    def _listen(self, process: "subprocess.Popen[bytes]", begun: Callable[[], None]) -> None:
        assert process.stdout is not None
        rows: list[bytes] = []
        for line in process.stdout:
            if line.startswith(b"["):
                rows.append(line)
                continue
            said = msgspec.json.decode(line)
            ends = [(status, said[word]) for word, status in _ENDS.items() if word in said]
            if ends:
                self.malformed = said.get("malformed")
                self._end(*ends[0])
                begun()
                return
            begun()
            self.figures = msgspec.convert(said.get("done") or said["at"], Figures)
            if "done" in said:
                self.rows, self.size = rows, sum(map(len, rows))
                self._end(COMPLETE)
                return

    def _end(self, status: str, reason: str | None = None) -> None:
        if self.under_way:
            self.status, self.reason = status, reason
            if reason is not None:
                # The API has no place for it.
                _log.info("query %s in %s: %s: %s", self.id, self.region, status, reason)


class Queries:
    """For the event loop's thread; `close` at the end."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="insights")
        # The oldest first.
        self._kept: dict[str, RunningQuery] = {}

    def __repr__(self) -> str:
        return f"<Queries {len(self._kept)} kept>"

    def __iter__(self) -> Iterator[RunningQuery]:
        """The latest first."""
        return iter(reversed(self._kept.values()))

    def start(self, job: Job, *, text: str, region: str) -> RunningQuery:
        """Run a query as soon as there is room. Raises TooManyQueriesError."""
        if sum(query.under_way for query in self._kept.values()) >= AT_ONCE + MOST_WAITING:
            raise TooManyQueriesError(TooManyQueriesError.__doc__)
        query = RunningQuery(job, text=text, region=region, created=self._clock.time())
        self._kept[query.id] = query
        self._forget()
        self._threads.submit(self._run, query, asyncio.get_running_loop())
        return query

    def find(self, region: str, query_id: str) -> RunningQuery | None:
        query = self._kept.get(query_id)
        return query if query is not None and query.region == region else None

    def close(self) -> None:
        """End what runs. Blocks for as long as that takes: some milliseconds."""
        for query in self._kept.values():
            query.stop()
        self._threads.shutdown(cancel_futures=True)

    async def begun(self, query: RunningQuery) -> None:
        """Wait until it is known whether it is a query, but not for long: it may have to wait its turn."""
        timer = self._clock.call_later(BEGIN_LIMIT_S, query.begun.set)
        await query.begun.wait()
        timer.cancel()

    def drop(self, query: RunningQuery) -> None:
        """Forget one that was none."""
        self._kept.pop(query.id, None)

    def _run(self, query: RunningQuery, loop: asyncio.AbstractEventLoop) -> None:
        def begun() -> None:
            if not query.begun.is_set():
                # Stoker may be at its end, and the loop with it.
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(query.begun.set)

        try:
            query.run(begun)
        except Exception:  # The boundary of a thread: without it a query would seem to run for ever.
            _log.exception("query %s could not run", query.id)
        finally:
            query.fail()
            query.ended = self._clock.time()
            begun()

    def _forget(self) -> None:
        """The oldest that have ended go first."""
        size = sum(query.size for query in self._kept.values())
        for query in [query for query in self._kept.values() if not query.under_way]:
            if len(self._kept) <= MOST_KEPT and size <= MOST_KEPT_BYTES:
                return
            size -= query.size
            del self._kept[query.id]
