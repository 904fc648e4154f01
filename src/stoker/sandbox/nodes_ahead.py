"""Node processes that are started before anybody needs them, and wait to be told which function to be.

Starting Node takes longer than all the rest of a cold start. What cannot be changed once it runs is part of what it is
kept for: the runtime, the sizes of its heap, and those of its variables that Node or the C library reads at the start.
A function that says more about the start (NODE_OPTIONS and the like) gets an ordinary one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from stoker.linux.available_memory import AvailableMemory
from stoker.model.runtime import Runtime
from stoker.sandbox.blank import Blank
from stoker.sandbox.driver import SandboxError
from stoker.sandbox.reserve import Reserve
from stoker.sandbox.spec import EXEC_WRAPPER, ProgramStart

# So many ways to start it are kept at a time, the least recently used go first, and one process of each is ready. It
# takes some 40 MB, half of it shared with all others.
MOST_KINDS = 3
# A kind that nobody used for so long is let go.
IDLE_S = 900.0
LOOK_S = 60.0
# Whoever starts something needs the CPU more, and starting Node takes most of it for a while.
LULL_S = 0.25
# With less than that left on the machine nothing is made ahead.
LEAST_AVAILABLE_BYTES = 1 << 30

# Read at the start, and harmless to know before the function is.
KEPT_VARIABLES = ("LANG", "LD_LIBRARY_PATH", "NODE_PATH", "PATH", "TZ")
# What else Node, ICU, OpenSSL and the C library look at when they start.
_PREFIXES = ("NODE_", "LC_", "LD_", "UV_", "SSL_", "OPENSSL_", "MALLOC_", "GLIBC_")

Kind = tuple[str, tuple[str, ...], tuple[tuple[str, str], ...]]


class NodesAhead:
    """For the event loop's thread. `take_blank` gives what they are made from."""

    def __init__(self, take_blank: Callable[[Runtime], Awaitable[Blank]], discard: Callable[[Blank], Awaitable[None]]):
        self._take_blank = take_blank
        self._discard = discard
        self._available_memory = AvailableMemory()
        # The least recently used first, with the time of its last use.
        self._kinds: dict[Kind, tuple[Reserve[Blank], float]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._look: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<NodesAhead of {len(self._kinds)} kinds>"

    async def take(self, program: ProgramStart, argv: Sequence[str]) -> Blank | None:
        """One that runs Node as this function needs it, to be given its order; None if there is none."""
        reserve = self._used(program, argv)
        return None if reserve is None else await reserve.take_ready()

    def expect(self, program: ProgramStart, argv: Sequence[str]) -> None:
        """A function was deployed, and is about to be invoked."""
        reserve = self._used(program, argv)
        if reserve is not None:
            reserve.fill()

    def _used(self, program: ProgramStart, argv: Sequence[str]) -> Reserve[Blank] | None:
        kind = kind_of(program, argv)
        if kind is None:
            return None
        now = asyncio.get_running_loop().time()
        known = self._kinds.pop(kind, None)
        reserve = self._reserve(program.runtime, kind) if known is None else known[0]
        self._kinds[kind] = reserve, now
        self._let_go_unused(now)
        return reserve

    def shed(self) -> bool:
        """Memory is short: let the least recently used go; whether there was one."""
        kind = next(iter(self._kinds), None)
        if kind is not None:
            self._close(kind)
        return kind is not None

    async def close(self) -> None:
        if self._look is not None:
            self._look.cancel()
        while self.shed():
            pass
        await asyncio.gather(*self._closing)

    def _reserve(self, runtime: Runtime, kind: Kind) -> Reserve[Blank]:
        _, argv, variables = kind

        async def make() -> Blank:
            if self._available_memory() < LEAST_AVAILABLE_BYTES:
                raise SandboxError("the machine has too little memory to start Node ahead")
            blank = await self._take_blank(runtime)
            try:
                blank.start_ahead({"kind": "node", "argv": list(argv), "environment": dict(variables)})
            except BaseException:
                await self._discard(blank)
                raise
            return blank

        return Reserve(
            f"{runtime.name} processes",
            make=make,
            discard=self._discard,
            low=1,
            high=1,
            usable=lambda blank: blank.alive,
            lull_s=LULL_S,
        )

    def _let_go_unused(self, now: float) -> None:
        for kind, (_, used) in list(self._kinds.items()):
            if len(self._kinds) > MOST_KINDS or now - used >= IDLE_S:
                self._close(kind)
        if self._look is None and self._kinds:
            self._look = asyncio.get_running_loop().call_later(LOOK_S, self._look_again)

    def _look_again(self) -> None:
        self._look = None
        self._let_go_unused(asyncio.get_running_loop().time())

    def _close(self, kind: Kind) -> None:
        reserve, _ = self._kinds.pop(kind)
        task = asyncio.get_running_loop().create_task(reserve.close(), name=f"let {reserve!r} go")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def kind_of(program: ProgramStart, argv: Sequence[str]) -> Kind | None:
    """What a process for this function has to be started with; None if it cannot be started without the function."""
    if any(name.startswith(_PREFIXES) and name not in KEPT_VARIABLES for name in program.environment):
        return None
    if program.environment.get(EXEC_WRAPPER):
        return None
    kept = tuple((name, program.environment[name]) for name in KEPT_VARIABLES if name in program.environment)
    return program.runtime.name, tuple(argv), kept
