"""The drainer's host side: a process that is there while there is much to move."""

import contextlib
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

from stoker.bootstrap import messages
from stoker.observability.journal import Position

# Longer than the database's own patience with another writer.
ANSWER_TIMEOUT_S = 30.0
END_TIMEOUT_S = 2.0


class DrainerGoneError(Exception):
    """The drainer could not be started or died; what it had not moved is where it was."""


class DrainProcess:
    """Starts a drainer when there is none. Belongs to the telemetry writer's thread, whose end ends the drainer too."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._process: subprocess.Popen[bytes] | None = None
        self._sock: socket.socket | None = None

    def __repr__(self) -> str:
        return f"<DrainProcess {self._process.pid if self._process else 'not running'}>"

    def step(self, end: Position) -> Position | None:
        """Have the next records before `end` moved; returns the position behind them, None if there are none.

        Raises DrainerGoneError, and sqlite3.Error for what the database or the journal's files refuse.
        """
        try:
            answer = self._ask({"segment": end.segment, "offset": end.offset})
        except OSError as error:
            self.close()
            raise DrainerGoneError(str(error)) from error
        if "error" in answer:
            raise sqlite3.OperationalError(answer["error"])
        return Position(segment=answer["segment"], offset=answer["offset"]) if answer["moved"] else None

    def _ask(self, request: dict[str, object]) -> dict:  # type: ignore[type-arg]
        fresh = self._sock is None
        sock = self._sock or self._start()
        answer = None
        with contextlib.suppress(ConnectionError):  # it has gone to rest
            messages.send(sock, request)
            answer = messages.receive(sock)
        if answer is not None:
            return answer[0]
        self.close()
        if fresh:
            raise ConnectionError("the drainer ended as soon as it was asked")
        return self._ask(request)

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            fd = theirs.fileno()
            command = [sys.executable, "-m", "stoker.observability.drainer", str(fd), str(self._root)]
            try:
                self._process = subprocess.Popen(command, pass_fds=[fd], stdin=subprocess.DEVNULL, env={}, cwd="/")
            except BaseException:
                ours.close()
                raise
        ours.settimeout(ANSWER_TIMEOUT_S)
        self._sock = ours
        return ours

    def close(self) -> None:
        """Let it end by itself, as its socket closes; then make sure. Idempotent."""
        process, self._process = self._process, None
        sock, self._sock = self._sock, None
        if sock is not None:
            sock.close()
        if process is not None:
            try:
                process.wait(END_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
