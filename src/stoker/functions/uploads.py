"""From the bytes that a caller sent to a package that the database may refer to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import Connection

from stoker.functions import packages, version_rows
from stoker.functions.account import code_storage_used
from stoker.functions.code_storage import CodeStorage
from stoker.functions.packages import Package
from stoker.model.errors import CodeStorageExceededException
from stoker.model.limits import MAX_CODE_STORAGE_BYTES
from stoker.store.store import Store


class Uploads:
    """Checks zips and makes them durable."""

    def __init__(self, store: Store, code: CodeStorage) -> None:
        self._store = store
        self._code = code

    async def inspect(self, data: bytes) -> Package:
        """Accept a zip or raise what AWS answers; nothing is kept."""
        return await asyncio.to_thread(packages.inspect, data)

    @asynccontextmanager
    async def kept(self, data: bytes, package: Package) -> AsyncIterator[None]:
        """A durable zip that stays at least until the block ends; inside it, store the reference that keeps it."""
        async with self._code.locked(package.digest):
            await self._store.write(lambda conn: version_rows.add_package(conn, package.digest, package.unzipped_size))
            await self._code.keep(data)
            yield


def check_storage(conn: Connection, region: str, more_bytes: int) -> None:
    """Refuse what would exceed the account's code storage in this region."""
    if code_storage_used(conn, region) + more_bytes > MAX_CODE_STORAGE_BYTES:
        raise CodeStorageExceededException
