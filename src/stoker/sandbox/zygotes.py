"""The fork servers, one per interpreter in use, and the blanks that each keeps ready."""

import asyncio
import os
import tempfile
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from stoker.linux.cgroups import Cgroup
from stoker.sandbox.blank import Blank, make
from stoker.sandbox.peer import Peer
from stoker.sandbox.platform_files import PLATFORM
from stoker.sandbox.slots import Lull, Slots, report_failure

Command = Callable[[int, str], list[str]]


class Zygote:
    """A fork server with its pool of blanks. Started when first needed, again when it died.

    `command` is how it is started, from the descriptor of its socket and an empty directory to build its root at.
    """

    def __init__(
        self,
        name: str,
        *,
        command: Command,
        slots: Slots,
        create_cgroup: Callable[[str], Cgroup],
        ready: int,
    ) -> None:
        self._name = name
        self._command = command
        self._slots = slots
        self._create_cgroup = create_cgroup
        self._target = ready
        self._blanks: deque[Blank] = deque()
        self._peer: Peer | None = None
        self._starting = asyncio.Lock()
        self._refill: asyncio.Task[None] | None = None
        self._lull = Lull()

    async def take(self) -> Blank:
        """A blank: a ready one, or one made now. Raises SandboxError."""
        self._lull.disturb()
        while self._blanks:
            blank = self._blanks.popleft()
            if not blank.ended.done():
                break
            await self._discard(blank)
        else:
            blank = await self._make()
        self._top_up()
        return blank

    async def close(self) -> None:
        self._target = 0
        if self._refill is not None:
            await asyncio.gather(self._refill, return_exceptions=True)
        await asyncio.gather(*(self._discard(blank) for blank in self._blanks))
        self._blanks.clear()
        if self._peer is not None:
            await self._peer.close()

    async def _make(self) -> Blank:
        peer = await self._running()
        slot = await self._slots.take()
        return await make(peer, slot, await asyncio.to_thread(self._create_cgroup, f"slot-{slot.index}"))

    async def _discard(self, blank: Blank) -> None:
        blank.channel.close()
        os.close(blank.output)
        await blank.destroy()
        self._slots.give_back(blank.slot)

    def _top_up(self) -> None:
        if self._refill is None or self._refill.done():
            self._refill = asyncio.create_task(self._fill(), name=f"blanks of {self._name}")
            self._refill.add_done_callback(report_failure)

    async def _fill(self) -> None:
        while len(self._blanks) < self._target:
            await self._lull.wait()
            self._blanks.append(await self._make())

    async def _running(self) -> Peer:
        async with self._starting:
            if self._peer is None or not self._peer.alive:
                self._peer = await self._start()
            return self._peer

    async def _start(self) -> Peer:
        # Only a place to hang the root at, in the zygote's own mount namespace; it stays empty for everybody else.
        with tempfile.TemporaryDirectory(prefix="stoker-root-") as root:
            peer, _ = await Peer.start(f"zygote {self._name}", lambda fd: self._command(fd, root))
        return peer


def interpreter_command(interpreter: Path, runtime_dir: Path, roots: Sequence[Path]) -> Command:
    """How an interpreter becomes a zygote; see `bootstrap.start`."""
    script = runtime_dir / PLATFORM / "stoker" / "bootstrap" / "start.py"
    # -I and -S: neither the operator's environment nor the interpreter's installed packages are a function's.
    before, after = [str(interpreter), "-I", "-S", str(script)], [str(runtime_dir), *map(str, roots)]
    return lambda descriptor, root: [*before, str(descriptor), root, *after]
