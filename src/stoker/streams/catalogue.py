"""Which streams there are. A stream's document is read again only when its row says that it changed."""

import threading
from collections.abc import Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.store.tables_streams import kinesis_shards, kinesis_streams
from stoker.streams.errors import StreamNotFound
from stoker.streams.stream import Stream

_streams = kinesis_streams.c
_BY_NAME = sa.select(_streams.id, _streams.revision).where(
    _streams.region == sa.bindparam("region"), _streams.name == sa.bindparam("name")
)
_BY_ID = sa.select(_streams.revision).where(_streams.id == sa.bindparam("id"))
_DOCUMENT = sa.select(_streams.document).where(_streams.id == sa.bindparam("id"))


class Catalogue:
    """Streams by region and name, in the transaction of whoever asks. Thread-safe.

    Documents that were read are kept by id and revision, which are never another document's.
    """

    def __init__(self, account: str) -> None:
        self.account = account
        self._lock = threading.Lock()
        # Guarded by the lock. One per stream: a newer revision takes the older one's place.
        self._known: dict[int, Stream] = {}

    def __repr__(self) -> str:
        return f"<Catalogue {len(self._known)} known>"

    def find(self, conn: Connection, region: str, name: str) -> Stream | None:
        """The stream of this name."""
        row = conn.execute(_BY_NAME, {"region": region, "name": name}).first()
        return None if row is None else self._load(conn, row.id, row.revision)

    def require(self, conn: Connection, region: str, name: str) -> Stream:
        """The stream, or Kinesis' error."""
        stream = self.find(conn, region, name)
        if stream is None:
            raise StreamNotFound(f"Stream {name} under account {self.account} not found.")
        return stream

    def by_id(self, conn: Connection, stream_id: int) -> Stream | None:
        """The stream with this id."""
        revision = conn.scalar(_BY_ID, {"id": stream_id})
        return None if revision is None else self._load(conn, stream_id, revision)

    def _load(self, conn: Connection, stream_id: int, revision: int) -> Stream:
        known = self._known.get(stream_id)
        if known is not None and known.revision == revision:
            return known
        document = conn.scalar(_DOCUMENT, {"id": stream_id})
        assert document is not None
        stream = msgspec.structs.replace(msgspec.json.decode(document, type=Stream), id=stream_id, revision=revision)
        with self._lock:
            self._known[stream_id] = stream
        return stream


def page(conn: Connection, region: str, after: str, limit: int) -> Sequence[Stream]:
    """Streams in the order of their names."""
    query = sa.select(_streams.id, _streams.revision, _streams.document).where(
        _streams.region == region, _streams.name > after
    )
    return [
        msgspec.structs.replace(msgspec.json.decode(row.document, type=Stream), id=row.id, revision=row.revision)
        for row in conn.execute(query.order_by(_streams.name).limit(limit))
    ]


def insert(conn: Connection, stream: Stream) -> None:
    """Add a stream and its shards."""
    values = {"region": stream.region, "name": stream.name, "revision": 1, "document": _document(stream)}
    key = conn.execute(sa.insert(kinesis_streams).values(**values)).inserted_primary_key
    assert key is not None
    _add_shards(conn, key[0], [shard.number for shard in stream.shards])


def update(conn: Connection, stream: Stream, added: Sequence[int] = ()) -> Stream:
    """Keep a changed stream, with the shards that are new in it; the same with its new revision."""
    changed = msgspec.structs.replace(stream, revision=stream.revision + 1)
    values = {"revision": changed.revision, "document": _document(changed)}
    conn.execute(sa.update(kinesis_streams).where(_streams.id == stream.id).values(**values))
    _add_shards(conn, stream.id, added)
    return changed


def delete(conn: Connection, stream: Stream) -> None:
    """Forget a stream. Its records are nobody's then, and go behind."""
    conn.execute(sa.delete(kinesis_streams).where(_streams.id == stream.id))


def _add_shards(conn: Connection, stream_id: int, numbers: Sequence[int]) -> None:
    if numbers:
        rows = [{"stream_id": stream_id, "number": number, "last_sequence": 0} for number in numbers]
        conn.execute(sa.insert(kinesis_shards), rows)


def _document(stream: Stream) -> str:
    return msgspec.json.encode(stream).decode()
