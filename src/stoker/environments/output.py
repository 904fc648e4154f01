"""The pipe that stdout and stderr of a function share, read as lines."""

import asyncio
import fcntl
import os
import termios
from collections.abc import Callable

from stoker.environments.lines import LineSplitter, message

# One turn of the event loop reads no more than this from one environment: of a flood of empty lines that is 2 to 3 ms
# of work, and an ordinary log never fills it.
READ_BYTES = 4096
_NOTHING = bytes(4)


class OutputReader:
    """Reads the non-blocking `fd`, which it owns, and hands on lines until it is closed."""

    def __init__(self, fd: int, on_lines: Callable[[list[str]], None]) -> None:
        self._fd = fd
        self._on_lines = on_lines
        self._splitter = LineSplitter()
        self._loop = asyncio.get_running_loop()
        self._open = True
        self._waiting = bytearray(_NOTHING)
        # F_GETPIPE_SZ: how much a pipe can hold is known to the kernel alone, and bounds what was written by now.
        self._capacity = fcntl.fcntl(fd, fcntl.F_GETPIPE_SZ)
        self._loop.add_reader(fd, self._read)

    def drain(self, then: Callable[[], None], limit: int | None = None) -> None:
        """Hand on all that was written up to now, the unfinished last line too, then call `then`.

        At once as a rule. With more than one read to do, it goes on in the loop's next turns, and ends at the latest
        with as much as the pipe can have held at the call (`limit`): whoever still writes cannot keep it from ending.
        """
        got = self._read() if self._has_more() else 0
        if got == READ_BYTES:
            limit = (self._capacity if limit is None else limit) - got
            if limit > 0:
                self._loop.call_soon(self.drain, then, limit)
                return
        if self._splitter.rest:
            self._on_lines([message(self._splitter.flush())])
        then()

    def _has_more(self) -> bool:
        """Whether there is anything to read. An invocation that wrote nothing would pay for an exception otherwise."""
        # FIONREAD: whether the pipe is empty now, after an answer that came another way, is known to the kernel alone.
        return self._open and not fcntl.ioctl(self._fd, termios.FIONREAD, self._waiting) and self._waiting != _NOTHING

    def _read(self) -> int:
        """One read; returns its size, 0 when there is nothing, now or ever again."""
        if not self._open:
            return 0
        try:
            data = os.read(self._fd, READ_BYTES)
        except BlockingIOError:
            return 0
        if not data:
            self._loop.remove_reader(self._fd)
            return 0
        lines = self._splitter.feed(data)
        if lines:
            self._on_lines([message(line) for line in lines])
        return len(data)

    def read_rest(self) -> None:
        """Hand on what is there, up to what one turn may read, before a `close`."""
        self.drain(lambda: None, 0)

    def close(self) -> None:
        """Close the pipe; whoever still writes gets EPIPE. Idempotent."""
        if self._open:
            self._open = False
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
