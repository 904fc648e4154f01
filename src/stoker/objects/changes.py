"""What a write and a delete do to the versions of a key. Works of the store: all within one transaction.

Source: "How S3 Versioning works" and "Deleting object versions" in the S3 user guide.
"""

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from stoker.objects import rows
from stoker.objects.bucket import ENABLED, NULL_VERSION, SUSPENDED, Bucket
from stoker.objects.errors import NoSuchBucket
from stoker.objects.version import ObjectVersion, new_version_id

_PER_SECOND = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Deleted:
    """What a delete did: `removed` is the version that is gone, `marker` the delete marker that came."""

    removed: ObjectVersion | None = None
    marker: ObjectVersion | None = None


def require(conn: Connection, bucket: Bucket) -> Bucket:
    """The bucket as it is now: it may have been deleted, or changed, since its name was looked up."""
    current = rows.find_bucket(conn, bucket.id)
    if current is None:
        raise NoSuchBucket(BucketName=bucket.name)
    return current


def put(
    conn: Connection, bucket: Bucket, draft: ObjectVersion, previous: ObjectVersion | None, now: float
) -> ObjectVersion:
    """Make `draft` the newest version of its key, after `previous`. Its place, id and time are given here."""
    seq = _next_seq(previous, now)
    version = replace(
        draft,
        seq=seq,
        version_id=new_version_id(seq) if bucket.versioning == ENABLED else NULL_VERSION,
        modified=float(int(now)),
        listed=not draft.is_marker,
    )
    if bucket.versioning != ENABLED:
        _remove_null_version(conn, bucket, draft.key, previous)
    if previous is not None and previous.listed:
        rows.set_listed(conn, previous, False)
    rows.insert(conn, version)
    return version


def delete(conn: Connection, bucket: Bucket, key: str, now: float) -> Deleted:
    """Delete a key: where versions are kept that only adds a marker."""
    if bucket.versioning in (ENABLED, SUSPENDED):
        marker = ObjectVersion(bucket=bucket.id, key=key, seq=0, version_id="", modified=now, is_marker=True)
        return Deleted(marker=put(conn, bucket, marker, rows.latest(conn, bucket.id, key), now))
    version = rows.latest(conn, bucket.id, key)
    if version is not None:
        rows.remove(conn, version)
    return Deleted(removed=version)


def delete_version(conn: Connection, version: ObjectVersion) -> Deleted:
    """Remove one version for good; the one before it is the newest then, if it was the newest."""
    rows.remove(conn, version)
    newest = rows.latest(conn, version.bucket, version.key)
    if newest is not None and not newest.is_marker and not newest.listed:
        rows.set_listed(conn, newest, True)
    return Deleted(removed=version)


def _next_seq(previous: ObjectVersion | None, now: float) -> int:
    """Of the time, unless the clock went back."""
    return max(int(now * _PER_SECOND), previous.seq + 1 if previous is not None else 0)


def _remove_null_version(conn: Connection, bucket: Bucket, key: str, previous: ObjectVersion | None) -> None:
    if previous is None:
        return
    found = previous if previous.version_id == NULL_VERSION else rows.find(conn, bucket.id, key, NULL_VERSION)
    if found is not None:
        rows.remove(conn, found)
