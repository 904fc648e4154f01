"""What PostgreSQL says in logical replication: its messages from bytes, and the answer to them. Pure.

Source: "Streaming Replication Protocol" and "Logical Replication Message Formats" in PostgreSQL's documentation;
version 1 of the protocol, in which transactions come whole, in the order in which they were committed.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

_XLOG_DATA = struct.Struct(">QQq")
_KEEPALIVE = struct.Struct(">Qq?")
_STATUS = struct.Struct(">cQQQq?")
_BEGIN = struct.Struct(">QqI")
_COMMIT = struct.Struct(">BQQq")
_SHORT, _INT = struct.Struct(">H"), struct.Struct(">I")
# PostgreSQL counts microseconds since 2000.
_EPOCH_S = 946_684_800


@dataclass(frozen=True, kw_only=True)
class Column:
    """`is_key`: it is part of what tells a row from others, as the table's replica identity says."""

    name: str
    type_oid: int
    is_key: bool


@dataclass(frozen=True, kw_only=True)
class Relation:
    """A table as it is from here on. `identity` is d, i, n (nothing) or f (the full row)."""

    oid: int
    schema: str
    name: str
    identity: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, kw_only=True)
class Begin:
    """`lsn` is that of the transaction's commit, `committed_at` is in seconds since the epoch."""

    lsn: int
    committed_at: float
    xid: int


@dataclass(frozen=True, kw_only=True)
class Commit:
    """From `end_lsn` on there is what comes after the transaction."""

    end_lsn: int


class Unchanged:
    """A value that is stored apart (TOAST), was not changed, and therefore is not told."""


UNCHANGED = Unchanged()
# Values as PostgreSQL writes them, in the order of the columns; None is null.
Row = Sequence[bytes | Unchanged | None]


@dataclass(frozen=True, kw_only=True)
class Change:
    """A row that was inserted (I), updated (U) or deleted (D).

    `old` is the whole row as it was, `old_key` only its key: that of a row that was deleted or got another one.
    """

    kind: str
    relation: int
    new: Row | None = None
    old: Row | None = None
    old_key: Row | None = None


@dataclass(frozen=True, kw_only=True)
class Truncate:
    """Tables that were emptied."""

    relations: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Keepalive:
    """Everything before `end_lsn` has been sent."""

    end_lsn: int
    wants_reply: bool


Message = Relation | Begin | Commit | Change | Truncate | Keepalive


class ProtocolError(Exception):
    """PostgreSQL sent what this version of the protocol does not have."""


def decode(data: bytes) -> Message | None:
    """One message; None for those that say nothing about rows."""
    if data[:1] == b"k":
        end_lsn, _, wants_reply = _KEEPALIVE.unpack_from(data, 1)
        return Keepalive(end_lsn=end_lsn, wants_reply=wants_reply)
    if data[:1] != b"w":
        raise ProtocolError(f"{ProtocolError.__doc__} ({data[:1]!r})")
    reader = _Reader(data, 1 + _XLOG_DATA.size)
    kind = reader.letter()
    match kind:
        case "B":
            lsn, micros, xid = reader.take(_BEGIN)
            return Begin(lsn=lsn, committed_at=_EPOCH_S + micros / 1e6, xid=xid)
        case "C":
            _, _, end_lsn, _ = reader.take(_COMMIT)
            return Commit(end_lsn=end_lsn)
        case "R":
            return _relation(reader)
        case "I" | "U" | "D":
            return _change(kind, reader)
        case "T":
            count = reader.integer()
            reader.letter()
            return Truncate(relations=tuple(reader.integer() for _ in range(count)))
        case "Y" | "O" | "M":
            return None
        case _:
            raise ProtocolError(f"{ProtocolError.__doc__} ({kind!r})")


def status_update(lsn: int, now: float) -> bytes:
    """Tells that everything before `lsn` is done with: it is not sent again, and its WAL may go."""
    return _STATUS.pack(b"r", lsn, lsn, lsn, int((now - _EPOCH_S) * 1e6), False)


class _Reader:
    def __init__(self, data: bytes, place: int) -> None:
        self._data = data
        self._place = place

    def take(self, form: struct.Struct) -> tuple[int, ...]:
        values = form.unpack_from(self._data, self._place)
        self._place += form.size
        return values

    def letter(self) -> str:
        self._place += 1
        return chr(self._data[self._place - 1])

    def integer(self) -> int:
        return self.take(_INT)[0]

    def text(self) -> str:
        end = self._data.index(0, self._place)
        text, self._place = self._data[self._place : end].decode(), end + 1
        return text

    def row(self) -> Row:
        (count,) = self.take(_SHORT)
        return [self._value() for _ in range(count)]

    def _value(self) -> bytes | Unchanged | None:
        kind = self.letter()
        if kind != "t":
            return UNCHANGED if kind == "u" else None
        size = self.integer()
        value, self._place = self._data[self._place : self._place + size], self._place + size
        return value


def _relation(reader: _Reader) -> Relation:
    oid, schema, name, identity = reader.integer(), reader.text(), reader.text(), reader.letter()
    (count,) = reader.take(_SHORT)
    columns = []
    for _ in range(count):
        is_key = reader.letter() == "\x01"
        columns.append(Column(name=reader.text(), type_oid=reader.integer(), is_key=is_key))
        # The type's modifier: how long a varchar may be says nothing about a value.
        reader.integer()
    return Relation(oid=oid, schema=schema or "pg_catalog", name=name, identity=identity, columns=tuple(columns))


def _change(kind: str, reader: _Reader) -> Change:
    relation, part = reader.integer(), reader.letter()
    old = old_key = new = None
    if part in "OK":
        before = reader.row()
        old, old_key = (before, None) if part == "O" else (None, before)
        part = reader.letter() if kind == "U" else ""
    if part == "N":
        new = reader.row()
    return Change(kind=kind, relation=relation, new=new, old=old, old_key=old_key)
