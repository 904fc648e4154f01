"""Objects' bytes in a bucket of any S3-compatible store, through `obstore`.

A blob is `blobs/<two digits>/<name>`, and while it is staged there is an empty `staged/<name>` beside it, which is put
before the blob is and deleted when it is settled: S3 has no rename. What is written goes through an unlinked file of
this machine, so that an upload that breaks off leaves nothing there. Only a kill within the last step can: parts that
nobody sees, which a rule of the bucket's (AbortIncompleteMultipartUpload) takes away.
"""

import contextlib
import re
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from obstore.exceptions import BaseError
from obstore.store import ObjectStore

READ_BYTES = 512 * 1024
# Of an upload in parts, four of which are under way at once: 32 MB of memory for each blob that is being put.
PART_BYTES = 8 * 1024 * 1024
_AT_ONCE = 4
_NAME = re.compile(r"[0-9a-f]{32}")


class RemoteBytes:
    """Blobs in `store`; `spool` is where they are until they are whole."""

    def __init__(self, store: ObjectStore, spool: Path) -> None:
        self._store = store
        self._spool = spool
        spool.mkdir(mode=0o700, parents=True, exist_ok=True)

    def __repr__(self) -> str:
        return f"<RemoteBytes {self._store!r}>"

    def draft(self) -> "RemoteDraft":
        return RemoteDraft(self._store, self._spool)

    def read(self, blob: str, start: int, length: int) -> Iterator[bytes]:
        if length <= 0:
            return
        with _as_oserror():
            try:
                found = self._store.get(_blob(blob), options={"range": (start, start + length)})
            except FileNotFoundError as error:
                raise LookupError(blob) from error
            for piece in found.stream(min_chunk_size=READ_BYTES):
                length -= len(piece)
                yield bytes(piece)
        if length:
            raise OSError(f"blob {blob} is shorter than its row says")

    def settle(self, blobs: Sequence[str]) -> None:
        self._delete([_staged(blob) for blob in blobs])

    def discard(self, blobs: Sequence[str]) -> None:
        # The marker goes last: until then the start would find what is left.
        self._delete([_blob(blob) for blob in blobs])
        self._delete([_staged(blob) for blob in blobs])

    def staged(self) -> Sequence[str]:
        with _as_oserror():
            found = [str(each["path"]).rpartition("/")[2] for page in self._store.list("staged") for each in page]
        return [name for name in found if _NAME.fullmatch(name)]

    def _delete(self, paths: Sequence[str]) -> None:
        with _as_oserror(), contextlib.suppress(FileNotFoundError):
            if paths:
                self._store.delete([*paths])


class RemoteDraft:
    """An unlinked file, until it is put where it belongs."""

    def __init__(self, store: ObjectStore, spool: Path) -> None:
        self._store = store
        self._name = secrets.token_hex(16)
        # It outlives this call, and has no name that could outlive the process.
        self._file = tempfile.TemporaryFile(dir=spool)  # noqa: SIM115

    def __repr__(self) -> str:
        return f"<RemoteDraft {self._name}>"

    def write(self, data: bytes) -> None:
        self._file.write(data)

    def finish(self) -> str:
        self._file.seek(0)
        with _as_oserror():
            self._store.put(_staged(self._name), b"")
            self._store.put(_blob(self._name), self._file, chunk_size=PART_BYTES, max_concurrency=_AT_ONCE)
        self._file.close()
        return self._name

    def abandon(self) -> None:
        self._file.close()


def _blob(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"not a blob's name: {name!r}")
    return f"blobs/{name[:2]}/{name}"


def _staged(name: str) -> str:
    return f"staged/{name}"


@contextlib.contextmanager
def _as_oserror() -> Iterator[None]:
    """What the port's callers know: the place is out of order."""
    try:
        yield
    except BaseError as error:
        raise OSError(f"the objects' place does not work: {error}") from error
