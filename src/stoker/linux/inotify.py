"""inotify(7): the kernel says when something in a folder has changed, so that nobody has to look again and again."""

import ctypes
import os
import select
from collections.abc import Iterable
from pathlib import Path

# <sys/inotify.h>. A file that was open for writing was closed, a mode was changed, something came, went or was moved.
_IN_CLOSE_WRITE, _IN_ATTRIB, _IN_CREATE, _IN_DELETE, _IN_MOVED_FROM, _IN_MOVED_TO = 0x8, 0x4, 0x100, 0x200, 0x40, 0x80
_CHANGES = _IN_CLOSE_WRITE | _IN_ATTRIB | _IN_CREATE | _IN_DELETE | _IN_MOVED_FROM | _IN_MOVED_TO
_BUFFER_BYTES = 65_536


class FolderWatch:
    """Tells that something has changed in folders, each without those below it; not what. For one thread.

    What happens between two waits is told by the next. After `close` nothing may be called.
    """

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._events: int = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._events < 0:
            raise _error("inotify_init1")

    def __repr__(self) -> str:
        return f"<FolderWatch, descriptor {self._events}>"

    def add(self, folders: Iterable[Path]) -> None:
        """Watch these too; one that is watched already stays so. Raises OSError.

        A folder that has gone in the meantime is no error: the watch of the one above it tells of that.
        """
        for folder in folders:
            if self._libc.inotify_add_watch(self._events, os.fsencode(folder), _CHANGES) < 0:
                error = _error(str(folder))
                if not isinstance(error, FileNotFoundError | NotADirectoryError):
                    raise error

    def wait(self, timeout_s: float | None = None) -> bool:
        """Whether something has changed, after at most `timeout_s`; for None as long as it takes."""
        # poll, since select takes no descriptor above 1,023.
        poll = select.poll()
        poll.register(self._events, select.POLLIN)
        if not poll.poll(None if timeout_s is None else timeout_s * 1000):
            return False
        os.read(self._events, _BUFFER_BYTES)
        return True

    def close(self) -> None:
        os.close(self._events)


def _error(place: str) -> OSError:
    error = ctypes.get_errno()
    return OSError(error, os.strerror(error), place)
