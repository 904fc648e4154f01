"""Buckets as other clients use them: the AWS command line's `s3`, and obstore (Rust's object_store)."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from obstore.exceptions import AlreadyExistsError
from obstore.store import S3Store

from fakes.live_server import ACCESS_KEY, REGION, SECRET_KEY, LiveServer
from fakes.s3 import content, fetch, new_bucket

AWS = Path(sys.executable).with_name("aws")
MB = 1 << 20


@pytest.fixture(scope="module")
def s3(live_server: LiveServer) -> Any:
    return live_server.client("s3")


@pytest.mark.slow
def test_the_command_line_copies_syncs_lists_and_presigns(live_server: LiveServer, s3: Any, tmp_path: Path) -> None:
    nowhere = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_PAGER": ""}

    def aws(*words: str) -> str:
        command = [str(AWS), "s3", *words, *(["--no-progress"] if words[0] in ("cp", "sync") else [])]
        done = subprocess.run(command, env={**live_server.env, **nowhere}, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout

    bucket, data = "of-the-command-line", os.urandom(9 * MB)
    place, here, back = f"s3://{bucket}", tmp_path / "here", tmp_path / "back"
    (here / "below").mkdir(parents=True)
    (here / "large.bin").write_bytes(data)
    (here / "below" / "ä b+c.txt").write_text("hello")
    aws("mb", place)
    aws("sync", str(here), place)
    assert s3.head_object(Bucket=bucket, Key="large.bin")["ETag"].endswith('-2"')
    assert aws("sync", str(here), place) == ""
    listed = aws("ls", place, "--recursive")
    assert "below/ä b+c.txt" in listed and str(9 * MB) in listed
    aws("cp", f"{place}/below/ä b+c.txt", f"{place}/copy.txt")
    (here / "large.bin").unlink()
    assert "delete: s3://" in aws("sync", str(here), place, "--delete", "--exclude", "copy.txt")
    aws("cp", place, str(back), "--recursive")
    found = sorted(str(path.relative_to(back)) for path in back.rglob("*.txt"))
    assert found == ["below/ä b+c.txt", "copy.txt"]
    assert fetch(aws("presign", f"{place}/copy.txt").strip())[2] == b"hello"
    aws("rm", place, "--recursive")
    aws("rb", place)


def test_obstore_puts_gets_lists_and_deletes(live_server: LiveServer, s3: Any) -> None:
    bucket, data = new_bucket(s3), os.urandom(12 * MB)
    store = S3Store(
        bucket,
        endpoint=live_server.endpoint,
        region=REGION,
        access_key_id=ACCESS_KEY,
        secret_access_key=SECRET_KEY,
        client_options={"allow_http": True},
    )
    store.put("a/small ü", b"hello", attributes={"Content-Type": "text/plain"})
    store.put("a/large", data)
    assert content(s3, bucket, "a/large") == data
    assert store.get("a/small ü").bytes() == b"hello"
    assert bytes(store.get_range("a/large", start=MB, length=10)) == data[MB : MB + 10]
    assert store.head("a/small ü")["size"] == 5
    store.copy("a/small ü", "b/copy")
    assert sorted(each["path"] for page in store.list() for each in page) == ["a/large", "a/small ü", "b/copy"]
    assert sorted(store.list_with_delimiter()["common_prefixes"]) == ["a", "b"]
    with pytest.raises(AlreadyExistsError):
        store.put("b/copy", b"x", mode="create")
    store.delete(["a/large", "a/small ü", "b/copy"])
    with pytest.raises(FileNotFoundError):
        store.get("a/large")
