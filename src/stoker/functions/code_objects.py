"""Code that a caller names by its bucket and key, instead of sending it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from stoker.model.errors import NotBuiltError
from stoker.wire.message import Call


@dataclass(frozen=True, kw_only=True)
class CodeObject:
    """A zip in S3. `version` is None for the newest."""

    bucket: str
    key: str
    version: str | None = None


# Raises what CreateFunction answers where the object is not there, or the caller may not read it.
ReadCode = Callable[[CodeObject, Call], Awaitable[bytes]]


class CodeObjects:
    """Reads code for whoever asks, by the one who has buckets and registers here."""

    def __init__(self) -> None:
        self._read: ReadCode | None = None

    def __repr__(self) -> str:
        return f"<CodeObjects {'of S3' if self._read is not None else 'of nobody'}>"

    def register(self, read: ReadCode) -> None:
        self._read = read

    async def read(self, wanted: CodeObject, call: Call) -> bytes:
        """The zip, with the rights of the call's principal."""
        if self._read is None:
            raise NotBuiltError("Code from S3 is not there yet in Stoker.")
        return await self._read(wanted, call)
