"""The drivers of one Stoker: the chosen one from the start, the other when the first function asks for it."""

import asyncio
from collections.abc import Awaitable, Callable

from stoker.sandbox.driver import SandboxDriver, SandboxError

LINUX, GVISOR = "linux", "gvisor"
Open = Callable[[], Awaitable[SandboxDriver]]


class Drivers:
    """Drivers by name, each opened once. `openers` says how."""

    def __init__(self, openers: dict[str, Open]) -> None:
        self._openers = openers
        self._opened: dict[str, SandboxDriver] = {}
        self._opening = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<Drivers {' '.join(self._opened)}>"

    async def get(self, name: str) -> SandboxDriver:
        """The driver of this name; SandboxError where the machine lacks what it needs."""
        if name not in self._openers:
            raise SandboxError(f"there is no sandbox called {name}; there are {', '.join(self._openers)}")
        async with self._opening:
            if name not in self._opened:
                self._opened[name] = await self._openers[name]()
            return self._opened[name]

    def shed(self) -> bool:
        """Let something go that was made ahead of need; whether there was anything."""
        return any(driver.shed() for driver in self._opened.values())

    async def close(self) -> None:
        for driver in self._opened.values():
            await driver.close()
