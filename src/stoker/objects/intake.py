"""Bytes on their way in: written to a draft while their checksums are made, and checked before anybody sees them."""

import asyncio
import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from stoker.objects import checksums
from stoker.objects.byte_store import ByteStore, Draft
from stoker.objects.errors import (
    BadDigest,
    EntityTooLarge,
    EntityTooSmall,
    IncompleteBody,
    InvalidDigest,
    InvalidRequest,
    MalformedTrailerError,
)
from stoker.wire.payload import IncomingBody

MAX_BYTES = 5 * 1024**3
"""Of one request, source: "Uploading objects" in the S3 user guide."""
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Expectations:
    """What a caller says of his data. `md5` is base64; `checksums` are values by algorithm, `wanted` are algorithms
    to compute besides those. There have to be at least `least` and at most `limit` bytes."""

    md5: str | None = None
    checksums: Mapping[str, str] = field(default_factory=dict)
    wanted: frozenset[str] = frozenset()
    limit: int = MAX_BYTES
    least: int = 0


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A blob that is staged. `md5` in hex; `checksums` by algorithm in base64."""

    blob: str
    size: int
    md5: str
    checksums: Mapping[str, str]


class Intake:
    """Takes bytes for one blob, whose draft begins with the first of them. Its methods block, in any thread, one at a
    time; `abandon` leaves nothing behind.
    """

    def __init__(self, store: ByteStore, expected: Expectations, length: int | None) -> None:
        self._expected = expected
        self._length = length
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._running = {each: checksums.begin(each) for each in (*expected.checksums, *expected.wanted)}
        self._size = 0
        self._store = store
        self._begun: Draft | None = None

    @property
    def _draft(self) -> Draft:
        if self._begun is None:
            self._begun = self._store.draft()
        return self._begun

    def take(self, pieces: Iterable[bytes]) -> None:
        for piece in pieces:
            self._size += len(piece)
            if self._size > self._expected.limit:
                raise EntityTooLarge(ProposedSize=self._size, MaxSizeAllowed=self._expected.limit)
            self._md5.update(piece)
            for running in self._running.values():
                running.update(piece)
            self._draft.write(piece)

    def finish(self, trailers: Mapping[str, str]) -> Taken:
        """The staged blob; raises what AWS says of data that is not what was said of it."""
        if self._length is not None and self._length != self._size:
            raise IncompleteBody(NumberBytesExpected=self._length, NumberBytesProvided=self._size)
        if self._size < self._expected.least:
            raise EntityTooSmall(ProposedSize=self._size, MinSizeAllowed=self._expected.least)
        md5 = self._md5.digest()
        if self._expected.md5 is not None and base64.b64decode(self._expected.md5) != md5:
            raise BadDigest(ExpectedDigest=self._expected.md5, CalculatedDigest=checksums.encode(md5))
        found = {algorithm: checksums.encode(running.digest()) for algorithm, running in self._running.items()}
        for algorithm, value in {**self._expected.checksums, **_checksums_in(trailers)}.items():
            if algorithm in found and found[algorithm] != value:
                raise BadDigest(f"The {algorithm} you specified did not match the calculated checksum.")
        return Taken(blob=self._draft.finish(), size=self._size, md5=md5.hex(), checksums=found)

    def abandon(self) -> None:
        if self._begun is not None:
            self._begun.abandon()


def _checksums_in(trailers: Mapping[str, str]) -> Mapping[str, str]:
    return {
        name.removeprefix(checksums.HEADER).upper(): value
        for name, value in trailers.items()
        if name.startswith(checksums.HEADER)
    }


def check_expectations(expected: Expectations) -> None:
    """Raises InvalidDigest or InvalidRequest for what cannot be a digest."""
    if expected.md5 is not None:
        try:
            whole = len(base64.b64decode(expected.md5, validate=True)) == hashlib.md5(usedforsecurity=False).digest_size
        except ValueError:
            whole = False
        if not whole:
            raise InvalidDigest()
    for algorithm, value in expected.checksums.items():
        if not checksums.is_well_formed(algorithm, value):
            raise InvalidRequest(f"Value for {checksums.header_of(algorithm)} header is invalid.")
    if len(expected.checksums) > 1:
        raise InvalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")


class Gate:
    """Lets bytes in: work that blocks is done in `threads`, off the event loop."""

    def __init__(self, store: ByteStore, threads: Executor) -> None:
        self._store = store
        self._threads = threads

    async def take(self, body: IncomingBody, expected: Expectations) -> Taken:
        """A staged blob of a body. Whatever goes wrong, also the client's going away, leaves nothing."""
        check_expectations(expected)
        if body.length is not None and body.length > expected.limit:
            raise EntityTooLarge(ProposedSize=body.length, MaxSizeAllowed=expected.limit)
        intake = Intake(self._store, expected, body.length)
        try:
            async for piece in body.pieces:
                await self._run(_feed, intake, body, piece)
            return await self._run(_finish, intake, body)
        except BaseException:
            # In the same breath, also where this task is being cancelled.
            await asyncio.shield(self._run(intake.abandon))
            raise

    async def copy(self, pieces: Callable[[], Iterable[bytes]], expected: Expectations) -> Taken:
        """A staged blob of bytes that are here."""
        return await self._run(_copy, self._store, pieces, expected)

    def _run(self, work: Callable[..., T], *args: object) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._threads, partial(work, *args))


def _feed(intake: Intake, body: IncomingBody, piece: bytes) -> None:
    intake.take(body.payload.feed(piece))


def _finish(intake: Intake, body: IncomingBody) -> Taken:
    trailers = body.payload.finish()
    if not trailers.keys() >= set(body.announced):
        raise MalformedTrailerError()
    return intake.finish(trailers)


def _copy(store: ByteStore, pieces: Callable[[], Iterable[bytes]], expected: Expectations) -> Taken:
    intake = Intake(store, expected, None)
    try:
        intake.take(pieces())
        return intake.finish({})
    except BaseException:
        intake.abandon()
        raise
