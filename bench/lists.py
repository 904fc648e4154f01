"""S3: pages of a list, in turns of a bucket with few keys and of one with many, put there behind Stoker's back."""

import asyncio
import http.client
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from scale import Scale
from stoker_target import Stoker
from target import TargetError

PER_FOLDER = 1000
# More than are looked at together: what is measured is the way past the rest.
PER_SMALL_FOLDER = 10
FEW, MANY = "bench-few", "bench-many"


@dataclass(kw_only=True)
class ListFigures:
    """One entry a round, in ms: a page of keys from the middle, and a page of folders, with few keys and with many."""

    few_keys: list[float] = field(default_factory=list)
    many_keys: list[float] = field(default_factory=list)
    few_folders: list[float] = field(default_factory=list)
    many_folders: list[float] = field(default_factory=list)


async def measure_lists(stoker: Stoker, scale: Scale) -> ListFigures:
    """Leaves two buckets behind, with as many folders: pages are as long in both."""
    folders = scale.many_keys // PER_FOLDER
    s3 = stoker.client("s3")
    for bucket in (FEW, MANY):
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="like-all", Body=b"x")
    stoker.stop()
    for bucket, keys in ((FEW, PER_SMALL_FOLDER), (MANY, PER_FOLDER)):
        await asyncio.to_thread(_fill, str(stoker.data / "stoker.db"), bucket, folders, keys)
    stoker.start()
    figures = ListFigures()
    connection = http.client.HTTPConnection("127.0.0.1", stoker.port)
    middle = f"{folders // 2:06}/"
    for _ in range(3 * scale.warm_rounds):
        for bucket, keys, rolled_up in (
            (FEW, figures.few_keys, figures.few_folders),
            (MANY, figures.many_keys, figures.many_folders),
        ):
            keys.append(_page(stoker, connection, bucket, b"<Contents>", folders, {"StartAfter": middle}))
            rolled_up.append(_page(stoker, connection, bucket, b"<CommonPrefixes>", folders, {"Delimiter": "/"}))
    connection.close()
    return figures


def _page(
    stoker: Stoker, connection: http.client.HTTPConnection, bucket: str, mark: bytes, count: int, more: dict[str, str]
) -> float:
    """Ms of a page with so many entries."""
    params = {"Bucket": bucket, "MaxKeys": count, **more}
    link = urlsplit(stoker.client("s3").generate_presigned_url("list_objects_v2", Params=params))
    began = time.perf_counter()
    connection.request("GET", f"{link.path}?{link.query}", headers={"Host": link.netloc})
    body = connection.getresponse().read()
    taken = (time.perf_counter() - began) * 1e3
    if body.count(mark) != count:
        raise TargetError(f"not a page of {count}: {body[:500].decode(errors='replace')}")
    return taken


def _fill(path: str, bucket: str, folders: int, per_folder: int) -> None:
    with sqlite3.connect(path) as store:
        (number,) = store.execute("SELECT id FROM s3_buckets WHERE name = ?", (bucket,)).fetchone()
        row = store.execute("SELECT * FROM s3_objects WHERE bucket = ?", (number,)).fetchone()
        store.execute("DELETE FROM s3_objects WHERE bucket = ?", (number,))
        marks = ", ".join("?" * (len(row) - 2))
        store.executemany(
            f"INSERT INTO s3_objects VALUES ({number}, ?, {marks})",
            ((key, *row[2:]) for key in _keys(folders, per_folder)),
        )


def _keys(folders: int, per_folder: int) -> Iterator[bytes]:
    for folder in range(folders):
        for key in range(per_folder):
            yield f"{folder:06}/{key:06}".encode()
