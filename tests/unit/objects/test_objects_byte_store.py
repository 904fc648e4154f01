"""One suite for every place of bytes: files, and S3-compatible stores through obstore."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from stoker.objects.byte_store import ByteStore
from stoker.objects.local_bytes import LocalBytes
from stoker.objects.places import Place, PlaceError, open_place
from stoker.objects.remote_bytes import RemoteBytes


@pytest.fixture(params=["files", "objects in memory", "seaweedfs"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ByteStore]:
    if request.param == "files":
        yield LocalBytes(tmp_path)
    elif request.param == "objects in memory":
        yield RemoteBytes(MemoryStore(), tmp_path)
    else:
        weed = request.getfixturevalue("seaweedfs")
        yield open_place(weed.place(tmp_path.name), tmp_path)


def kept(place: ByteStore, *pieces: bytes) -> str:
    draft = place.draft()
    for piece in pieces:
        draft.write(piece)
    return draft.finish()


def whole(place: ByteStore, blob: str, start: int, length: int) -> bytes:
    return b"".join(place.read(blob, start, length))


def test_a_blob_is_what_was_written(place: ByteStore) -> None:
    blob = kept(place, b"hello ", b"", b"world")
    assert whole(place, blob, 0, 11) == b"hello world"
    assert whole(place, blob, 6, 3) == b"wor"
    place.settle([blob])
    assert whole(place, blob, 0, 11) == b"hello world"
    assert whole(place, kept(place), 0, 0) == b""


def test_a_large_blob_is_whole(place: ByteStore) -> None:
    data = os.urandom(9 << 20)
    blob = kept(place, data[: 5 << 20], data[5 << 20 :])
    assert whole(place, blob, 1, len(data) - 1) == data[1:]


def test_what_is_finished_is_staged_until_it_is_settled_or_discarded(place: ByteStore) -> None:
    first, second = kept(place, b"1"), kept(place, b"2")
    assert {*place.staged()} == {first, second}
    place.settle([first])
    place.settle([first])
    assert [*place.staged()] == [second]
    place.discard([first, second, "0" * 32])
    assert [*place.staged()] == []
    for blob in (first, second):
        with pytest.raises(LookupError):
            whole(place, blob, 0, 1)


def test_what_is_abandoned_was_never_there(place: ByteStore) -> None:
    draft = place.draft()
    draft.write(b"x" * 100)
    draft.abandon()
    draft.abandon()
    assert [*place.staged()] == []


def test_a_blob_that_is_read_can_be_left(place: ByteStore) -> None:
    blob = kept(place, b"x" * (3 << 20))
    reading = place.read(blob, 0, 3 << 20)
    assert next(iter(reading))
    reading.close()  # type: ignore[attr-defined]
    place.discard([blob])


def test_objects_are_looked_for_only_where_they_were_put(tmp_path: Path) -> None:
    open_place(Place(), tmp_path)
    open_place(Place(), tmp_path)
    with pytest.raises(PlaceError, match="are in files, not in s3://bucket"):
        open_place(Place(url="s3://bucket?region=us-east-1"), tmp_path)
    for url in ("http://bucket", "s3://", "s3://bucket?speed=1"):
        with pytest.raises(PlaceError):
            open_place(Place(url=url), tmp_path / url.replace("/", ""))
