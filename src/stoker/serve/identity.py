"""IAM and STS: who there is, and credentials for a while."""

import asyncio
import contextlib
from typing import TYPE_CHECKING

from stoker.apis.http.key_sets import KeySets, KeysUnavailableError
from stoker.deliveries.outbound import Outbound
from stoker.identity.errors import IDPCommunicationError
from stoker.serve.area import Area
from stoker.serve.platform import Platform
from stoker.services.iam.service import IamService
from stoker.services.sts.service import StsService

if TYPE_CHECKING:
    from joserfc.jwk import KeySet


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
        await outbound.close()

    outbound = Outbound(allow_loopback=platform.settings.loopback_endpoints)
    key_sets = KeySets(outbound, platform.clock)

    async def find_keys(issuer: str, key_id: str | None) -> "KeySet":
        try:
            return await key_sets.of(issuer, key_id)
        except KeysUnavailableError as error:
            raise IDPCommunicationError(f"The keys of {issuer} could not be had: {error}") from error

    iam = IamService(identities=identities, clock=platform.clock)
    sts = StsService(
        identities=identities,
        keys=platform.keys,
        clock=platform.clock,
        find_keys=find_keys,
        tls=platform.settings.tls is not None,
    )
    return Area(services=[iam, sts], begin=begin, end=end)
