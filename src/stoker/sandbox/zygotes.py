"""The fork servers, one per interpreter in use, and the blanks that each keeps ready."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from stoker.bootstrap.worker import PROCESSES
from stoker.linux.cgroups import Cgroup
from stoker.model.runtime import Runtime
from stoker.sandbox.blank import Blank, make
from stoker.sandbox.driver import SandboxError
from stoker.sandbox.peer import Peer
from stoker.sandbox.platform_files import PLATFORM
from stoker.sandbox.rehearsal import Copies
from stoker.sandbox.reserve import Reserve
from stoker.sandbox.slots import Slots

Command = Callable[[int], list[str]]
Rehearse = Callable[[Blank], Awaitable[Copies]]
log = logging.getLogger(__name__)
LEAST_BLANKS = 2
LEAST_MEMORY_BYTES = 128 << 20


class Zygote:
    """A fork server with its blanks made ahead. Started when first needed, again when it died.

    `command` is how it is started, from the descriptor of its socket; `rehearse` how a blank tells what its like will
    write to, where blanks become functions without executing anything.
    """

    def __init__(
        self,
        name: str,
        *,
        command: Command,
        slots: Slots,
        create_cgroup: Callable[[str], Cgroup],
        ready: int,
        rehearse: Rehearse | None = None,
    ) -> None:
        self._name = name
        self._rehearse = rehearse
        self._command = command
        self._slots = slots
        self._create_cgroup = create_cgroup
        self._peer: Peer | None = None
        self._starting = asyncio.Lock()
        # The one that knows what its children will write to, or has been asked to find out.
        self._learned: Peer | None = None
        self._blanks = Reserve(
            f"blanks of {name}",
            make=self._make,
            make_ahead=self._make_ahead,
            discard=self._discard,
            low=min(LEAST_BLANKS, ready),
            high=ready,
            usable=lambda blank: not blank.ended.done(),
        )

    async def prepare(self) -> None:
        """Start it, and its blanks behind the scenes."""
        await self._running()
        self._blanks.fill()

    async def take(self) -> Blank:
        """A blank: a ready one, or one made now. Raises SandboxError."""
        return await self._blanks.take()

    async def close(self) -> None:
        await self._blanks.close()
        if self._peer is not None:
            await self._peer.close()

    async def _make(self) -> Blank:
        peer = await self._running()
        slot = await self._slots.take()
        try:
            cgroup = await asyncio.to_thread(self._make_cgroup, f"slot-{slot.index}")
        except BaseException:
            slot.close()
            self._slots.give_back(slot)
            raise
        try:
            return await make(peer, slot, cgroup)
        except BaseException:
            self._slots.give_back(slot)
            raise

    async def _make_ahead(self) -> Blank:
        await self._learn(await self._running())
        return await self._make()

    def _make_cgroup(self, name: str) -> Cgroup:
        """With the limits of the smallest function, which is most functions: then little is left to be set."""
        cgroup = self._create_cgroup(name)
        try:
            cgroup.limit(memory_bytes=LEAST_MEMORY_BYTES, cpu_share=1.0, cpu_cores=1.0, pids_max=PROCESSES)
        except BaseException:
            cgroup.remove()
            raise
        return cgroup

    async def _discard(self, blank: Blank) -> None:
        await blank.discard()
        self._slots.give_back(blank.slot)

    async def _running(self) -> Peer:
        async with self._starting:
            if self._peer is None or not self._peer.alive:
                self._peer = await self._start()
            return self._peer

    async def _learn(self, peer: Peer) -> None:
        """Tell it, once, what its children will write to. Without they serve as well, if later."""
        if self._rehearse is None or self._learned is peer:
            return
        self._learned = peer
        try:
            blank = await self._make()
            try:
                copies = await self._rehearse(blank)
            finally:
                await self._discard(blank)
            await peer.request({"copies": copies})
        except (SandboxError, OSError) as error:
            log.warning("%s: %s", self._name, error)

    async def _start(self) -> Peer:
        peer, _ = await Peer.start(f"zygote {self._name}", self._command)
        return peer


def interpreter_command(interpreter: Path, root: Path, runtime_dir: Path, runtime: Runtime) -> Command:
    """How an interpreter becomes a zygote for a runtime; see `bootstrap.start`.

    `root` is an empty directory, only a place to hang its root at: each does so in a mount namespace of its own.
    """
    script = runtime_dir / PLATFORM / "stoker" / "bootstrap" / "start.py"
    # -I and -S: neither the operator's environment nor the interpreter's installed packages are a function's.
    before, after = [str(interpreter), "-I", "-S", str(script)], [str(root), str(runtime_dir), *shown(runtime)]
    return lambda descriptor: [*before, str(descriptor), *after]


def shown(runtime: Runtime | None) -> list[str]:
    """What a root shows of a runtime, as arguments for whoever builds it: its program, and directories outside /usr."""
    if runtime is None or runtime.executable is None:
        return [""]
    return [str(runtime.executable), *map(str, runtime.roots)]
