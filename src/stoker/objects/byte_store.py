"""Where objects' bytes are: the port, and what holds whatever is behind it.

A blob is written once, by one draft, and never changed. What a crash leaves is put right without looking at all blobs:

- a finished draft is durable but only *staged* until `settle`, which follows the commit of the row that refers to it.
  At start every staged blob is asked for in the database: it is settled, or discarded.
- a blob to be removed is named in a table in the transaction that removes its row, and taken out of it once it is gone.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol


class Draft(Protocol):
    """A blob in the making. Every method blocks; after `finish` or `abandon` no other may be called."""

    def write(self, data: bytes) -> None:
        """Add to the end. Raises OSError when there is no space."""

    def finish(self) -> str:
        """Make the blob durable; its name."""

    def abandon(self) -> None:
        """Leave nothing of it. Idempotent, and without effect on a blob that is finished."""


class ByteStore(Protocol):
    """Blobs by their names. Every method blocks and may be called in any thread."""

    def draft(self) -> Draft:
        """Begin a blob."""

    def read(self, blob: str, start: int, length: int) -> Iterator[bytes]:
        """A part of a blob, in pieces; closing the iterator lets go of it. Raises LookupError at its first piece
        where there is no such blob (any more)."""

    def settle(self, blobs: Sequence[str]) -> None:
        """A row refers to each of these now, and that is committed. Idempotent."""

    def discard(self, blobs: Sequence[str]) -> None:
        """Remove blobs, staged or settled; those that are not there are no error. What is being read stays readable
        where the place allows it."""

    def staged(self) -> Sequence[str]:
        """The blobs that are finished and not settled. What was never finished is removed by then."""
