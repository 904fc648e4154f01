"""aws-chunked bodies: data in chunks that are each signed, with or without signed trailers, or not signed at all.

Source: "Signature calculations for the Authorization header: transferring payload in multiple chunks" of the S3
developer guide, and the page on trailing headers next to it.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from stoker.wire.canonical import header as canonical_header
from stoker.wire.errors import IncompleteSignatureException, InvalidSignatureException

SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
SCHEMES = frozenset({SIGNED, SIGNED_TRAILER, UNSIGNED_TRAILER})
_EMPTY_SHA256 = hashlib.sha256().hexdigest()
_MAX_LINE_BYTES = 16 * 1024


class IncompleteBodyException(IncompleteSignatureException):
    """The chunked body is cut short or malformed."""

    status = 400


@dataclass(frozen=True, kw_only=True, slots=True)
class Seal:
    """What chunks are signed with. `seed` is the signature of the request itself, the first of the chain."""

    key: bytes
    amz_date: str
    scope: str
    seed: str

    def of_chunk(self, previous: str, data: bytes) -> str:
        return self._sign("AWS4-HMAC-SHA256-PAYLOAD", previous, _EMPTY_SHA256, hashlib.sha256(data).hexdigest())

    def of_trailer(self, previous: str, lines: bytes) -> str:
        return self._sign("AWS4-HMAC-SHA256-TRAILER", previous, hashlib.sha256(lines).hexdigest())

    def _sign(self, kind: str, previous: str, *hashes: str) -> str:
        text = "\n".join((kind, self.amz_date, self.scope, previous, *hashes))
        return hmac.digest(self.key, text.encode(), "sha256").hex()


def decode(body: bytes, headers: Mapping[str, str], scheme: str, seal: Seal) -> bytes:
    """The data of all chunks, whose signatures are verified where the scheme has some.

    Raises InvalidSignatureException for a wrong signature and IncompleteBodyException for a broken framing.
    """
    position, previous, pieces = 0, seal.seed, []
    while True:
        size, signature, position = _chunk_head(body, position)
        data = body[position : position + size]
        position += size
        if scheme != UNSIGNED_TRAILER:
            previous = _check(seal.of_chunk(previous, data), signature)
        if size == 0:
            break
        if len(data) != size or body[position : position + 2] != b"\r\n":
            raise IncompleteBodyException()
        pieces.append(data)
        position += 2
    if scheme == SIGNED_TRAILER:
        _check_trailer(body[position:], previous, seal)
    decoded = b"".join(pieces)
    if headers.get("x-amz-decoded-content-length", str(len(decoded))) != str(len(decoded)):
        raise IncompleteBodyException()
    return decoded


def _chunk_head(body: bytes, position: int) -> tuple[int, str, int]:
    """Size and signature of the chunk that starts at `position`, and where its data does."""
    end = body.find(b"\r\n", position, position + _MAX_LINE_BYTES)
    if end < 0:
        raise IncompleteBodyException()
    size, _, extension = body[position:end].decode("latin-1").partition(";")
    if not size or size.strip("0123456789abcdefABCDEF") or len(size) > 16:
        raise IncompleteBodyException()
    return int(size, 16), extension.removeprefix("chunk-signature="), end + 2


def _check(expected: str, signature: str) -> str:
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise InvalidSignatureException()
    return expected


def _check_trailer(trailer: bytes, previous: str, seal: Seal) -> None:
    signature, lines = "", []
    for line in trailer.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "x-amz-trailer-signature":
            signature = value.strip()
        elif name:
            lines.append(f"{name.lower()}:{canonical_header(value)}\n")
    _check(seal.of_trailer(previous, "".join(sorted(lines)).encode("latin-1")), signature)
