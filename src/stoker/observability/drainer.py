"""The process that moves a busy Stoker's records from the journal to the database, beside the event loop's interpreter.

`python -m stoker.observability.drainer DESCRIPTOR ROOT`. A request is {"segment", "offset"}, where the journal ends by
now; each is answered with {"segment", "offset", "moved"} after one transaction, or with {"error"}. It ends when nobody
has asked for a while, and with its host.
"""

import gc
import os
import signal
import socket
import sqlite3
import sys
from pathlib import Path

from stoker.bootstrap import messages
from stoker.linux import credentials
from stoker.observability import database
from stoker.observability.ingest import BATCH_BYTES, BATCH_RECORDS, Ingest
from stoker.observability.journal import Position
from stoker.observability.journal_reader import JournalReader

# A Stoker that has nothing to do has no such process.
IDLE_S = 30.0
# A third of an invocation's share of a CPU where there are too few: rows may come later than answers, by what the
# journal holds. Much less could fall behind for good.
NICE = 5
# A batch is tens of thousands of tuples and no cycle: so many are looked at after several of them.
COLLECTED_AFTER = 200_000


class Drainer:
    """Answers requests until its host goes away or has nothing more to ask."""

    def __init__(self, host: socket.socket, root: Path) -> None:
        self._host = host
        self._reader = JournalReader(root / "journal")
        self._ingest = Ingest(database.open_writer(root / "telemetry.db"))

    def serve(self) -> None:
        self._host.settimeout(IDLE_S)
        try:
            while received := messages.receive(self._host):
                messages.send(self._host, self._answer(Position(**received[0])))
        except (TimeoutError, ConnectionError):
            return

    def _answer(self, end: Position) -> dict[str, object]:
        try:
            # The host writes too, between two requests: it moves records when there are few, and deletes streams.
            self._ingest.resume()
            payloads, position = self._reader.read(self._ingest.position, end, BATCH_RECORDS, BATCH_BYTES)
            if payloads:
                self._ingest.apply(payloads, position)
        except (sqlite3.Error, OSError) as error:
            return {"error": str(error)}
        return {"segment": position.segment, "offset": position.offset, "moved": len(payloads)}


def main() -> None:
    credentials.set_parent_death_signal(signal.SIGKILL)
    # The kernel shares out CPUs by niceness, and nobody waits for this process as long as the journal has room.
    os.nice(NICE)
    # A terminal's ^C is for the host, which still wants its last records moved.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()
    gc.set_threshold(COLLECTED_AFTER)
    descriptor, root = sys.argv[1:]
    Drainer(socket.socket(fileno=int(descriptor)), Path(root)).serve()


if __name__ == "__main__":
    main()
