"""Run by the durability test: writes rows and blobs for ever, and prints each number once it is acknowledged."""

import asyncio
import sys
from pathlib import Path

import sqlalchemy as sa

from stoker.store.blobs import BlobStore
from stoker.store.store import Store, open_store


async def write_one(store: Store, blobs: BlobStore, number: int) -> None:
    digest = await asyncio.to_thread(blobs.put, str(number).encode() * 100)
    statement = sa.text("INSERT INTO kept VALUES (:n, :d)")
    # Every other group waits for no disk: a killed process loses nothing of it either.
    relaxed = (number - 1) % 16 < 8
    await store.write(lambda c: c.execute(statement, {"n": number, "d": digest}).close(), relaxed=relaxed)
    print(number, flush=True)


async def write_for_ever(root: Path) -> None:
    store, blobs = open_store(f"sqlite:///{root / 'stoker.db'}"), BlobStore(root / "blobs")
    create = sa.text("CREATE TABLE IF NOT EXISTS kept (number INTEGER PRIMARY KEY, digest TEXT)")
    await store.write(lambda c: c.execute(create).close())
    number = await store.read(lambda c: c.execute(sa.text("SELECT COALESCE(MAX(number), 0) FROM kept")).scalar_one())
    while True:
        await asyncio.gather(*(write_one(store, blobs, number + ahead) for ahead in range(1, 9)))
        number += 8


asyncio.run(write_for_ever(Path(sys.argv[1])))
