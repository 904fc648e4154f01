"""Objects and faults: kill -9, clients that go away, large objects, and bytes that are kept elsewhere."""

import os
import re
import socket
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from fakes.destinations import WatchedQueue
from fakes.live_server import LiveServer
from fakes.s3 import content, new_bucket, refusal
from fakes.seaweedfs import KEY, SeaweedFs
from fakes.waiting import eventually

MB = 1 << 20


def begin_upload(s3: Any, bucket: str, key: str, data: bytes, *, length: int) -> socket.socket:
    """A PUT of which only `data` has come."""
    url = urlsplit(s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": key}))
    assert url.hostname is not None
    connection = socket.create_connection((url.hostname, url.port))
    head = f"PUT {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Length: {length}\r\n\r\n"
    connection.sendall(head.encode() + data)
    return connection


def leftovers(server: LiveServer) -> list[str]:
    """Files of bytes that no object can have yet."""
    return sorted(path.name for path in (server.data / "objects" / "staged").iterdir())


def bytes_on_disk(server: LiveServer) -> int:
    objects = server.data / "objects"
    return sum(len(kept) for path, kept in server.files() if objects in path.parents)


def test_kill_9_loses_nothing_acknowledged_and_leaves_nothing_half(own_server: LiveServer) -> None:
    own_server.start()
    s3 = own_server.client("s3")
    bucket = new_bucket(s3)
    queue = WatchedQueue(own_server, "told")
    wanted = [{"QueueArn": queue.arn, "Events": ["s3:ObjectCreated:*"]}]
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"QueueConfigurations": wanted})
    queue.bodies()
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=1, Body=b"p" * 1000)
    half = begin_upload(s3, bucket, "half", b"x" * 3 * MB, length=4 * MB)
    eventually(lambda: bytes_on_disk(own_server) >= MB, "the upload is under way")
    for number in range(20):
        s3.put_object(Bucket=bucket, Key=f"kept/{number}", Body=str(number).encode())
    own_server.kill()
    half.close()
    own_server.start()
    assert [content(s3, bucket, f"kept/{number}") for number in range(20)] == [str(n).encode() for n in range(20)]
    assert refusal(s3.head_object, Bucket=bucket, Key="half") == ("404", 404)
    told = {record["s3"]["object"]["key"] for body in queue.bodies(20) for record in body["Records"]}
    assert told == {f"kept/{number}" for number in range(20)}
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(Bucket=bucket, Key="parts", UploadId=upload, MultipartUpload=parts)
    assert content(s3, bucket, "parts") == b"p" * 1000
    eventually(lambda: leftovers(own_server) == [], "nothing is staged")
    assert bytes_on_disk(own_server) < 2000


def test_what_a_client_did_not_send_whole_is_not_there(live_server: LiveServer) -> None:
    s3 = live_server.client("s3")
    bucket = new_bucket(s3)
    begin_upload(s3, bucket, "gone", b"x" * 2 * MB, length=4 * MB).close()
    eventually(lambda: leftovers(live_server) == [], "nothing is left of the upload")
    assert refusal(s3.head_object, Bucket=bucket, Key="gone") == ("404", 404)


def test_what_is_replaced_or_deleted_frees_its_space(live_server: LiveServer) -> None:
    s3 = live_server.client("s3")
    bucket = new_bucket(s3)
    before = bytes_on_disk(live_server)
    for _ in range(3):
        s3.put_object(Bucket=bucket, Key="k", Body=os.urandom(MB))
    eventually(lambda: bytes_on_disk(live_server) <= before + MB, "only the newest is kept")
    s3.delete_object(Bucket=bucket, Key="k")
    eventually(lambda: bytes_on_disk(live_server) <= before, "nothing is kept")


def peak_mb(pid: int) -> float:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


class Zeros:
    """A file that is as large as one likes."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.at = 0

    def read(self, size: int = -1) -> bytes:
        left = self.size - self.at
        taken = left if size < 0 else min(size, left)
        self.at += taken
        return bytes(taken)

    def seek(self, offset: int, whence: int = 0) -> int:
        self.at = offset + {0: 0, 1: self.at, 2: self.size}[whence]
        return self.at

    def tell(self) -> int:
        return self.at


def test_a_large_object_takes_constant_memory(live_server: LiveServer) -> None:
    s3 = live_server.client("s3")
    bucket = new_bucket(s3)
    assert live_server.process is not None
    pid, size = live_server.process.pid, 160 * MB
    s3.put_object(Bucket=bucket, Key="warm", Body=b"x" * MB)
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    before = peak_mb(pid)
    s3.put_object(Bucket=bucket, Key="large", Body=Zeros(size))
    read = 0
    for piece in s3.get_object(Bucket=bucket, Key="large")["Body"].iter_chunks(MB):
        read += len(piece)
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "large"})
    assert read == size
    assert peak_mb(pid) - before < 64
    for key in ("large", "copy"):
        s3.delete_object(Bucket=bucket, Key=key)


@pytest.mark.slow
def test_bytes_can_be_kept_in_another_store(
    own_server: LiveServer, seaweedfs: SeaweedFs, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = uuid.uuid4().hex
    monkeypatch.setenv("STOKER_OBJECTS_ACCESS_KEY", KEY[0])
    monkeypatch.setenv("STOKER_OBJECTS_SECRET_KEY", KEY[1])
    own_server.options += ["--objects", seaweedfs.url(prefix)]
    own_server.start()
    s3 = own_server.client("s3")
    bucket = new_bucket(s3)
    data = os.urandom(6 * MB)
    s3.put_object(Bucket=bucket, Key="k", Body=data, Metadata={"a": "b"})
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    where = {"Bucket": bucket, "Key": "parts", "UploadId": upload}
    etags = [s3.upload_part(**where, PartNumber=n, Body=b)["ETag"] for n, b in enumerate((data, b"end"), 1)]
    parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
    s3.put_object(Bucket=bucket, Key="old", Body=b"x")
    s3.delete_object(Bucket=bucket, Key="old")
    own_server.kill()
    own_server.start()
    assert content(s3, bucket, "k") == data
    assert content(s3, bucket, "parts", Range=f"bytes={6 * MB - 1}-") == data[-1:] + b"end"

    def kept() -> list[str]:
        found = seaweedfs.client.list_objects_v2(Bucket="bytes", Prefix=f"{prefix}/").get("Contents", [])
        return [each["Key"].split("/")[1] for each in found]

    eventually(lambda: kept() == ["blobs"] * 3, "three blobs, and none that is staged")
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}, {"Key": "parts"}]})
    eventually(lambda: kept() == [], "nothing is kept")
    own_server.stop()
    own_server.options.clear()
    with pytest.raises(pytest.fail.Exception, match="are in s3://bytes"):
        own_server.start()
