"""Node processes that are started before anybody needs them, and wait to be told which function to be.

Starting Node takes longer than all the rest of a cold start. What cannot be changed once it runs is part of what it is
kept for: the runtime, the sizes of its heap, and those of its variables that Node or the C library reads at the start.
A function that says more about the start (NODE_OPTIONS and the like) gets an ordinary one.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence

from stoker.model.runtime import Runtime
from stoker.sandbox.blank import Blank
from stoker.sandbox.made_ahead import MadeAhead
from stoker.sandbox.reserve import Reserve
from stoker.sandbox.spec import EXEC_WRAPPER, ProgramStart

# So many ways to start it are kept at a time, the least recently used go first, and one process of each is ready. It
# takes some 40 MB, half of it shared with all others.
MOST_KINDS = 3
# Whoever starts something needs the CPU more, and starting Node takes most of it for a while.
LULL_S = 0.25

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
        self._ahead: MadeAhead[Kind] = MadeAhead(discard, most_kinds=MOST_KINDS, lull_s=LULL_S)

    def __repr__(self) -> str:
        return f"<NodesAhead {self._ahead!r}>"

    def __iter__(self) -> Iterator[Blank]:
        """Those that wait."""
        return iter(self._ahead)

    async def take(self, program: ProgramStart, argv: Sequence[str]) -> Blank | None:
        """One that runs Node as this function needs it, to be given its order; None if there is none."""
        reserve = self._used(program, argv)
        return None if reserve is None else await reserve.take_ready()

    def expect(self, program: ProgramStart, argv: Sequence[str]) -> None:
        """A function was deployed, and is about to be invoked."""
        reserve = self._used(program, argv)
        if reserve is not None:
            reserve.fill()

    def shed(self) -> bool:
        """See `SandboxDriver.shed`."""
        return self._ahead.shed()

    async def close(self) -> None:
        await self._ahead.close()

    def _used(self, program: ProgramStart, argv: Sequence[str]) -> Reserve[Blank] | None:
        kind = kind_of(program, argv)
        if kind is None:
            return None
        runtime = program.runtime
        return self._ahead.of(kind, f"{runtime.name} processes", make=lambda: self._make(runtime, kind))

    async def _make(self, runtime: Runtime, kind: Kind) -> Blank:
        _, argv, variables = kind
        blank = await self._take_blank(runtime)
        try:
            blank.start_ahead({"kind": "node", "argv": list(argv), "environment": dict(variables)})
        except BaseException:
            await self._discard(blank)
            raise
        return blank


def kind_of(program: ProgramStart, argv: Sequence[str]) -> Kind | None:
    """What a process for this function has to be started with; None if it cannot be started without the function."""
    if any(name.startswith(_PREFIXES) and name not in KEPT_VARIABLES for name in program.environment):
        return None
    if program.environment.get(EXEC_WRAPPER):
        return None
    kept = tuple((name, program.environment[name]) for name in KEPT_VARIABLES if name in program.environment)
    return program.runtime.name, tuple(argv), kept
