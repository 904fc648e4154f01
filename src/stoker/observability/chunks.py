"""Lines of one log stream that came together, as one row of the database: how they are packed and read again.

A chunk's id is that of its first event; the others' follow one by one, in the order in which they came.
"""

import zlib
from collections.abc import Iterator, Sequence
from operator import itemgetter

import msgspec

# CloudWatch counts so much for an event besides its message (PutLogEvents, "plus 26 bytes for each log event").
EVENT_OVERHEAD_BYTES = 26
# A chunk's latest event is at most so much later than its earliest: so long before a moment may one begin that has
# events of it.
SPAN_MS = 5_000
# Of text: who wants one line unpacks all of a chunk.
CHUNK_BYTES = 64 << 10
# Less is not worth the 20 µs that a compressor takes to be made.
_COMPRESSED_FROM_BYTES = 2048
# A tenth of it is what lines take that have a request's id in each, and a level more costs twice the time.
_LEVEL = 1

# (timestamp_ms, message)
Event = tuple[int, str]
# Events and when they were taken in, in ms.
Part = tuple[int, Sequence[Event]]
# (timestamp_ms, id, ingestion_ms, message)
Line = tuple[int, int, int, str]


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of some events. `stored_bytes` counts as CloudWatch bills."""

    first_ms: int
    last_ms: int
    ingestion_ms: int
    count: int
    stored_bytes: int
    lines: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[tuple[int, list[tuple[int, str]]]]).decode


def pack(parts: Sequence[Part]) -> Iterator[Chunk]:
    """One chunk of the events, in their order; several if it were too long or too large."""
    times = [at for _, events in parts for at, _ in events]
    text = "".join([message for _, events in parts for _, message in events])
    size = len(text)
    if not text.isascii():
        # A lone surrogate (a client's broken text) cannot be stored as UTF-8.
        size = len(text.encode("utf-8", "replace"))
        parts = [(ms, [(at, message.encode("utf-8", "replace").decode()) for at, message in e]) for ms, e in parts]
    first, last = min(times), max(times)
    if len(times) > 1 and (size > CHUNK_BYTES or last - first > SPAN_MS):
        for few in _split(parts):
            yield from pack(few)
        return
    lines = _encode(parts)
    yield Chunk(
        first_ms=first,
        last_ms=last,
        ingestion_ms=max([ms for ms, _ in parts]),
        count=len(times),
        stored_bytes=size + EVENT_OVERHEAD_BYTES * len(times),
        lines=lines if len(lines) < _COMPRESSED_FROM_BYTES else zlib.compress(lines, _LEVEL),
    )


def unpack(id_: int, lines: bytes) -> list[Line]:
    """A chunk's lines by time and id."""
    found = []
    # What is not compressed is an array of msgpack's, which never begins with a compressor's `x`.
    for ingestion_ms, events in _decode(zlib.decompress(lines) if lines[0] == 0x78 else lines):
        for at, message in events:
            found.append((at, id_, ingestion_ms, message))
            id_ += 1
    found.sort(key=itemgetter(0))
    return found


def _split(parts: Sequence[Part]) -> Iterator[Sequence[Part]]:
    """The events in runs that each make one chunk."""
    run: list[tuple[int, list[Event]]] = []
    first = last = size = 0
    for ingestion_ms, events in parts:
        for event in events:
            at, length = event[0], len(event[1].encode())
            first, last = (min(first, at), max(last, at)) if run else (at, at)
            if run and (last - first > SPAN_MS or size + length > CHUNK_BYTES):
                yield run
                run, first, last, size = [], at, at, 0
            if not run or run[-1][0] != ingestion_ms:
                run.append((ingestion_ms, []))
            run[-1][1].append(event)
            size += length
    yield run
