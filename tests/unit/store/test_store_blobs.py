import hashlib
import os
from pathlib import Path

import pytest

from stoker.store.blobs import BlobMissingError, BlobStore


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


def test_a_blob_is_named_by_its_content(blobs: BlobStore) -> None:
    digest = blobs.put(b"code")
    assert digest == hashlib.sha256(b"code").hexdigest()
    assert blobs.path(digest).read_bytes() == b"code"


def test_the_same_content_twice_is_one_blob(blobs: BlobStore) -> None:
    first = blobs.path(blobs.put(b"code")).stat().st_ino
    assert blobs.path(blobs.put(b"code")).stat().st_ino == first


def test_a_damaged_blob_is_repaired_by_putting_it_again(blobs: BlobStore) -> None:
    digest = blobs.put(b"code")
    blobs.path(digest).write_bytes(b"c0de")
    blobs.put(b"code")
    assert blobs.path(digest).read_bytes() == b"code"


def test_an_open_blob_can_be_read_after_its_deletion(blobs: BlobStore) -> None:
    digest = blobs.put(b"code")
    with blobs.open(digest) as file:
        blobs.delete(digest)
        assert file.read() == b"code"
    with pytest.raises(BlobMissingError):
        blobs.open(digest)


def test_deleting_what_is_not_there_is_no_error(blobs: BlobStore) -> None:
    blobs.delete("0" * 64)


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "F" * 64, "0" * 63])
def test_only_a_digest_names_a_blob(blobs: BlobStore, name: str) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        blobs.path(name)


def test_bytes_are_on_the_disk_before_the_name_and_the_name_before_the_answer(
    blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    rename = Path.rename

    def fsync(descriptor: int) -> None:
        steps.append("directory" if Path(f"/proc/self/fd/{descriptor}").is_dir() else "file")

    def renamed(self: Path, target: Path) -> Path:
        steps.append("rename")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "rename", renamed)
    blobs.put(b"code")
    assert steps == ["directory", "file", "rename", "directory"]


def test_a_full_disk_leaves_no_half_blob(blobs: BlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    blobs.put(b"first of its directory")
    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="No space"):
        blobs.put(b"code")
    root = blobs.path("0" * 64).parent.parent
    assert not list((root / "unfinished").iterdir())


def test_what_an_interrupted_put_left_is_gone_after_the_next_start(tmp_path: Path) -> None:
    (tmp_path / "unfinished").mkdir()
    (tmp_path / "unfinished" / "abc").write_bytes(b"half")
    BlobStore(tmp_path)
    assert not list((tmp_path / "unfinished").iterdir())
