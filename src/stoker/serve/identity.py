"""IAM and STS: who there is, and credentials for a while."""

import asyncio
import contextlib

from stoker.serve.area import Area
from stoker.serve.platform import Platform
from stoker.services.iam.service import IamService
from stoker.services.sts.service import StsService


async def build(platform: Platform) -> Area:
    identities = platform.identities
    running: list[asyncio.Task[None]] = []

    async def begin() -> None:
        # A data directory's SQLite is one Stoker's alone; PostgreSQL may be several machines'.
        shared = bool(platform.settings.store_url)
        running.append(asyncio.create_task(identities.run(shared=shared), name="identities"))

    async def end() -> None:
        for task in running:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await identities.write_uses()

    iam = IamService(identities=identities)
    sts = StsService(identities=identities, keys=platform.keys, clock=platform.clock)
    return Area(services=[iam, sts], begin=begin, end=end)
