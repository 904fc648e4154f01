"""What a signature says of a body, checked while the body comes: in pieces, and without holding them.

Nothing of a body may be used before `finish` has returned: until then its sender may be anybody.
"""

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from stoker.model.errors import ServiceError

NO_TRAILERS: Mapping[str, str] = {}


class ContentHashMismatchError(ServiceError):
    """The provided 'x-amz-content-sha256' header does not match what was computed."""

    code = "XAmzContentSHA256Mismatch"
    status = 400


class Payload(Protocol):
    """Takes a body as it was sent, and gives the data in it. Blocks while it hashes: call it in a thread."""

    def feed(self, data: bytes) -> Sequence[bytes]:
        """The data in the next piece; raises a ServiceError for a piece that is malformed or wrongly signed."""

    def finish(self) -> Mapping[str, str]:
        """The body is complete: its trailers, by their names in lower case. Raises if it is not what was signed."""


class UnsignedPayload:
    """A body that the signature leaves out."""

    def feed(self, data: bytes) -> Sequence[bytes]:
        return (data,)

    def finish(self) -> Mapping[str, str]:
        return NO_TRAILERS


class HashedPayload:
    """A body whose SHA-256 is signed."""

    def __init__(self, sha256: str) -> None:
        self._stated = sha256
        self._hash = hashlib.sha256()

    def feed(self, data: bytes) -> Sequence[bytes]:
        self._hash.update(data)
        return (data,)

    def finish(self) -> Mapping[str, str]:
        if self._hash.hexdigest() != self._stated:
            raise ContentHashMismatchError(
                ClientComputedContentSHA256=self._stated, S3ComputedContentSHA256=self._hash.hexdigest()
            )
        return NO_TRAILERS


class IncomingBody:
    """A body that is still coming.

    `pieces` gives it as it was sent, and raises when the client goes away; `payload` makes data of the pieces.
    `length` is the data's, None where the client did not state it. `announced` are the trailers that are to come.
    """

    def __init__(
        self, pieces: AsyncIterator[bytes], payload: Payload, length: int | None, announced: Sequence[str] = ()
    ) -> None:
        self.pieces = pieces
        self.payload = payload
        self.length = length
        self.announced = announced

    def __repr__(self) -> str:
        return f"<IncomingBody of {'unknown length' if self.length is None else f'{self.length} bytes'}>"


async def nothing() -> AsyncIterator[bytes]:
    """No pieces."""
    for _ in ():
        yield b""


def empty_body() -> IncomingBody:
    """A body of no bytes."""
    return IncomingBody(nothing(), UnsignedPayload(), 0)
