"""A source of one's own, as an example: a file that is put into a folder starts a function, and is then deleted.

The folder is below Stoker's data directory, and the ARN names it: `arn:aws:folder:us-east-1:000000000000:incoming` is
`<data>/event-sources/folder/incoming`. The kernel says when a file has arrived (inotify), so that nothing polls. The
files are the queue: what was not done when Stoker stopped is still there when it starts again.
"""

import asyncio
import ctypes
import json
import os
import re
from pathlib import Path

from stoker.event_sources.mapping import Mapping
from stoker.event_sources.poller import Record
from stoker.event_sources.source import Abilities, Surroundings
from stoker.model.alarm import Alarm
from stoker.model.clock import Clock
from stoker.model.errors import InvalidParameterValueException

# <sys/inotify.h>: a file that was open for writing was closed, or one was moved here.
IN_CLOSE_WRITE, IN_MOVED_TO = 0x8, 0x80
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
# A file whose function failed is brought again after this long.
AGAIN_S = 30.0


class FolderSource:
    """Made by Stoker, once."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._root = surroundings.data / "folder"
        self._clock = surroundings.clock

    def abilities(self, source_arn: str) -> Abilities:
        return Abilities(label="folder", max_batch_size=100)

    async def check(self, mapping: Mapping, *, timeout_s: int, role_arn: str) -> None:
        if not NAME.fullmatch(_name(mapping.source_arn)):
            raise InvalidParameterValueException("A folder's name has letters, digits, hyphens and underscores.")

    async def open(self, mapping: Mapping) -> "FolderPoller":
        folder = self._root / _name(mapping.source_arn)
        folder.mkdir(parents=True, exist_ok=True)
        return FolderPoller(folder, mapping.source_arn, self._clock)


class FolderPoller:
    """Watches one folder."""

    def __init__(self, folder: Path, arn: str, clock: Clock) -> None:
        self._folder = folder
        self._arn = arn
        self._arrived = asyncio.Event()
        self._arrived.set()
        # Files that a function has, and those that are to wait a while.
        self._taken: set[str] = set()
        self._clock = clock
        self._again = Alarm(clock, self._retry)
        self._failed: set[str] = set()
        self._watch = _watch(folder)
        asyncio.get_running_loop().add_reader(self._watch, self._drain)

    async def receive(self, most: int, wait_s: float | None) -> list[Record]:
        """The oldest files first."""
        try:
            async with asyncio.timeout(wait_s):
                while True:
                    # Before the look: what arrives while it lasts is not to be waited for in vain.
                    self._arrived.clear()
                    if names := await asyncio.to_thread(self._waiting):
                        break
                    await self._arrived.wait()
        except TimeoutError:
            return []
        self._taken.update(names[:most])
        return [self._record(name) for name in names[:most]]

    async def settle(self, done: list[Record], failed: list[Record]) -> None:
        await asyncio.to_thread(self._delete, [record.id for record in done])
        self._taken -= {record.id for record in done}
        if failed:
            self._failed |= {record.id for record in failed}
            self._again.set(self._clock.monotonic() + AGAIN_S)

    async def close(self) -> None:
        self._again.stop()
        asyncio.get_running_loop().remove_reader(self._watch)
        os.close(self._watch)

    def _waiting(self) -> list[str]:
        files = [entry for entry in os.scandir(self._folder) if entry.is_file() and entry.name not in self._taken]
        return [entry.name for entry in sorted(files, key=lambda entry: entry.stat().st_mtime_ns)]

    def _record(self, name: str) -> Record:
        view = {
            "eventSource": "stoker:folder",
            "eventSourceARN": self._arn,
            "path": str(self._folder / name),
            "name": name,
        }
        return Record(id=name, event=json.dumps(view).encode(), view=view)

    def _delete(self, names: list[str]) -> None:
        for name in names:
            (self._folder / name).unlink(missing_ok=True)

    def _drain(self) -> None:
        """Which files came does not matter: the folder is looked through anyway."""
        os.read(self._watch, 65_536)
        self._arrived.set()

    def _retry(self) -> None:
        self._taken -= self._failed
        self._failed.clear()
        self._arrived.set()


def _name(arn: str) -> str:
    return arn.rpartition(":")[2]


def _watch(folder: Path) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    watch: int = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    if watch < 0 or libc.inotify_add_watch(watch, os.fsencode(folder), IN_CLOSE_WRITE | IN_MOVED_TO) < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), str(folder))
    return watch
