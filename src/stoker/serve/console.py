"""The web console, which is loaded when somebody first looks at it: with what renders it, it takes 8 MB."""

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING

from stoker.serve.area import Area
from stoker.serve.late_door import LateDoor
from stoker.serve.platform import Platform
from stoker.wire.message import Request, Response

if TYPE_CHECKING:
    from stoker.console.app import Console


async def build(platform: Platform) -> Area:
    late = LateDoor()
    console: asyncio.Task[Console] | None = None

    async def open_console() -> "Console":
        # Reading all of it takes a while, which the event loop has not.
        pages = await asyncio.to_thread(import_module, "stoker.serve.console_pages")
        opened: Console = await pages.open_console(platform, late)
        return opened

    async def answer(request: Request) -> Response:
        nonlocal console
        if console is None or (console.done() and console.exception() is not None):
            console = asyncio.create_task(open_console(), name="open the console")
        # A reader who goes away does not take it from the others.
        return await (await asyncio.shield(console)).answer(request)

    async def let_go() -> None:
        if console is not None:
            await (await console).let_go()

    return Area(pages={"console": answer}, meet=late.open, let_go=let_go)
