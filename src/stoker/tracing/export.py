"""Spans on their way to a collector: batched, in a thread of their own, and dropped when nobody takes them.

Nothing here ever holds up an invocation: what is over is put in a line of bounded length, and what finds it full is
counted and forgotten. Source of the protocol: "OTLP/HTTP Request" and "Failures" in the OTLP specification.
"""

import http.client
import logging
import ssl
import threading
from collections import deque
from collections.abc import Mapping
from urllib.parse import urlsplit

from stoker.tracing.spans import Finished, Span, Value

# Things that are over and wait; an invocation is some 1 KB and gives three to eight spans.
MOST_WAITING = 8_192
MOST_AT_ONCE = 512
# So long what is over gathers, OTEL_BSP_SCHEDULE_DELAY's 5 s being long for one who waits for it to be shown.
GATHER_S = 1.0
TIMEOUT_S = 10.0
MOST_ANSWER_BYTES = 64 * 1024
# A collector that is away is asked again after so long, twice as long each time.
FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 1.0, 30.0
# What the specification calls retryable.
_PASSING = frozenset({429, 502, 503, 504})

_log = logging.getLogger(__name__)


class Exporter:
    """`put` from the event loop's thread; `close` at the end. The thread begins with the first that is put."""

    def __init__(
        self, url: str, headers: Mapping[str, str], resource: Mapping[str, Value], version: str, *, gather_s: float
    ) -> None:
        self._url = urlsplit(url)
        self._headers = {"content-type": "application/x-protobuf", "user-agent": f"stoker/{version}", **headers}
        self._resource = resource
        self._version = version
        self._gather_s = gather_s
        self._waiting: deque[Finished] = deque()
        self._something = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_away = False
        self.sent = 0
        """Spans that the collector took."""
        self.dropped = 0
        """What was put and could not be sent: requests and invocations, not spans."""

    def __repr__(self) -> str:
        return f"<Exporter to {self._url.netloc}, {len(self._waiting)} waiting, {self.dropped} dropped>"

    def put(self, finished: Finished) -> None:
        """Have it sent soon; it is dropped if too much waits."""
        if len(self._waiting) >= MOST_WAITING:
            self.dropped += 1
            return
        self._waiting.append(finished)
        if not self._something.is_set():
            self._something.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="trace-exporter", daemon=True)
                self._thread.start()

    def close(self, limit_s: float) -> None:
        """Try once more to send what waits, for so long at most. Blocks."""
        self._closing.set()
        self._something.set()
        if self._thread is not None:
            self._thread.join(limit_s)

    def _run(self) -> None:
        try:
            while not self._closing.is_set():
                self._something.wait()
                self._closing.wait(self._gather_s)
                self._something.clear()
                while self._waiting:
                    self._send_some()
        except Exception:  # The boundary of a thread: without it traces would end without a word.
            _log.exception("traces are not sent any more")

    def _send_some(self) -> None:
        taken = [self._waiting.popleft() for _ in range(min(MOST_AT_ONCE, len(self._waiting)))]
        spans = [span for each in taken for span in each.spans()]
        if self._deliver(spans):
            self.sent += len(spans)
        else:
            self.dropped += len(taken)

    def _deliver(self, spans: list[Span]) -> bool:
        """Whether the collector took them. Waits for one that is away, while others wait in line or are dropped."""
        from stoker.tracing.otlp import encode

        body, backoff_s = encode(spans, self._resource, self._version), FIRST_BACKOFF_S
        while True:
            try:
                status = self._post(body)
                trouble = f"it answers {status}"
            except (OSError, http.client.HTTPException) as error:
                status, trouble = 503, str(error)
            if status < 300:
                self._tell_back()
                return True
            self._tell_away(trouble)
            if status not in _PASSING or self._closing.wait(backoff_s):
                return False
            backoff_s = min(2 * backoff_s, LONGEST_BACKOFF_S)

    def _post(self, body: bytes) -> int:
        """The status that the collector answers. Redirects are not followed: headers may be secret."""
        host, port = self._url.hostname or "", self._url.port
        connection: http.client.HTTPConnection
        if self._url.scheme == "https":
            context = ssl.create_default_context()
            connection = http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=context)
        else:
            connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
        try:
            path = self._url.path + (f"?{self._url.query}" if self._url.query else "")
            connection.request("POST", path, body, self._headers)
            answer = connection.getresponse()
            answer.read(MOST_ANSWER_BYTES)
            return answer.status
        finally:
            connection.close()

    def _tell_away(self, trouble: str) -> None:
        if not self._is_away:
            self._is_away = True
            _log.warning("the trace collector at %s takes nothing: %s", self._url.netloc, trouble)

    def _tell_back(self) -> None:
        if self._is_away:
            self._is_away = False
            _log.info("the trace collector at %s takes traces again; %d were dropped", self._url.netloc, self.dropped)
