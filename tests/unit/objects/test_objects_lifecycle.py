"""Lifecycle rules carried out by the clock, on both engines; and what the start finds of the last run."""

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from fakes.object_house import an_object_house
from fakes.waiting import eventually_none
from stoker.objects import lifecycle
from stoker.objects.lifecycle import FIRST_AFTER_S, INTERVAL_S
from stoker.objects.lifecycle_rules import DAY_S
from stoker.objects.local_bytes import LocalBytes
from stoker.objects.notifications import Destination, NotificationRules
from stoker.objects.uploads import Uploads
from stoker.objects.version import Attributes

QUEUE = "arn:aws:sqs:us-east-1:000000000000:q"


def rule(**actions: Any) -> dict[str, Any]:
    return {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": "old/"}, **actions}


def test_objects_expire_and_are_told(store_url: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with an_object_house(store_url, tmp_path) as house:
            events = Destination(id="n", kind="Queue", target=QUEUE, events=("s3:LifecycleExpiration:*",))
            told = NotificationRules(destinations=(events,)).document()
            bucket = await house.bucket(lifecycle=[rule(Expiration={"Days": 1})], notification=told)
            for key in ("old/a", "old/b", "kept"):
                await house.put(bucket, key)
            await house.lifecycle.start()
            house.clock.advance(FIRST_AFTER_S)
            await asyncio.sleep(0)
            assert await house.keys(bucket) == ["kept", "old/a", "old/b"]
            house.clock.advance(2 * DAY_S + INTERVAL_S)
            await house.lifecycle.run()
            assert await house.keys(bucket) == ["kept"]
            records = [json.loads(each.body)["Records"][0] for each in house.outbox.deliveries]
            assert {record["eventName"] for record in records} == {"LifecycleExpiration:Delete"}
            assert sorted(record["s3"]["object"]["key"] for record in records) == ["old/a", "old/b"]

    asyncio.run(run())


def test_with_versions_expiry_marks_and_then_clears(store_url: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with an_object_house(store_url, tmp_path) as house:
            rules = [
                rule(Expiration={"Days": 1}, NoncurrentVersionExpiration={"NoncurrentDays": 1}),
                {**rule(Expiration={"ExpiredObjectDeleteMarker": True}), "ID": "markers"},
            ]
            bucket = await house.bucket(versioning="Enabled", lifecycle=rules)
            await house.put(bucket, "old/a")
            house.clock.advance(2 * DAY_S)
            await house.lifecycle.run()
            assert await house.versions(bucket) == [("old/a", True), ("old/a", False)]
            house.clock.advance(2 * DAY_S)
            await house.lifecycle.run()
            await house.lifecycle.run()
            assert await house.versions(bucket) == []

    asyncio.run(run())


def test_uploads_that_nobody_completes_are_given_up(store_url: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with an_object_house(store_url, tmp_path) as house:
            bucket = await house.bucket(lifecycle=[rule(AbortIncompleteMultipartUpload={"DaysAfterInitiation": 1})])
            for key in ("old/a", "kept"):
                await house.uploads.begin(bucket, key, Attributes(), None, None)
            house.clock.advance(3 * DAY_S)
            await house.lifecycle.run()
            assert await uploads(house.uploads, bucket) == ["kept"]

    async def uploads(engine: Uploads, bucket: Any) -> list[str]:
        page = await engine.list(bucket, prefix="", delimiter="", marker=None, id_marker=None, limit=10)
        return [each.key for each in page.items]

    asyncio.run(run())


def test_more_than_a_page_expires_page_by_page(store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "_PAGE", 4)

    async def run() -> None:
        async with an_object_house(store_url, tmp_path) as house:
            bucket = await house.bucket(versioning="Enabled", lifecycle=[rule(Expiration={"Days": 1})])
            # One key has more versions than a page has rows.
            for number in [*range(10), *[5] * 6]:
                await house.put(bucket, f"old/{number}")
            house.clock.advance(3 * DAY_S)
            await house.lifecycle.run()
            assert await house.keys(bucket) == []
            assert len([key for key, is_marker in await house.versions(bucket) if is_marker]) == 10

    asyncio.run(run())


def files_in(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


class Deletes(LocalBytes):
    """Files during whose removal something happens once."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.meanwhile: Callable[[], None] | None = None

    def discard(self, blobs: Sequence[str]) -> None:
        super().discard(blobs)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()


def test_what_is_deleted_while_garbage_is_removed_is_removed_too(store_url: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with an_object_house(store_url, tmp_path, Deletes) as house:
            loop, bucket = asyncio.get_running_loop(), await house.bucket()
            await house.put(bucket, "a")
            await house.put(bucket, "b")
            assert isinstance(house.bytes_, Deletes)
            # In the thread that removes the one, the other is deleted to the end.
            house.bytes_.meanwhile = lambda: asyncio.run_coroutine_threadsafe(house.delete(bucket, "b"), loop).result()
            await house.delete(bucket, "a")
            await asyncio.to_thread(eventually_none, lambda: files_in(tmp_path / "objects"), "a file")

    asyncio.run(run())


def test_the_start_sorts_out_what_the_last_run_left(store_url: str, tmp_path: Path) -> None:
    """A blob whose row was committed is kept though it was not settled; one that has no row is not."""

    async def first() -> str:
        async with an_object_house(store_url, tmp_path) as house:
            bucket = await house.bucket()
            version = await house.put(bucket, "k", b"kept")
            assert version.blob is not None
            # As if the kill had come between the commit and the settling.
            settled = next((tmp_path / "objects").glob(f"*/{version.blob}"))
            settled.rename(tmp_path / "objects" / "staged" / version.blob)
            draft = house.bytes_.draft()
            draft.write(b"nobody's")
            draft.finish()
            unfinished = house.bytes_.draft()
            unfinished.write(b"half")
            return version.blob

    async def second(blob: str) -> None:
        async with an_object_house(store_url, tmp_path) as house:
            found = await house.objects.find(house.buckets.require("bucket"), "k", None)
            assert await house.objects.read(found, 0, 4) == b"kept"
            assert files_in(tmp_path / "objects") == [blob]

    asyncio.run(second(asyncio.run(first())))
