"""aws-chunked bodies, signed chunk by chunk."""

import hashlib
import hmac

import pytest

from stoker.wire import chunked
from stoker.wire.chunked import SIGNED, SIGNED_TRAILER, UNSIGNED_TRAILER, Seal
from stoker.wire.errors import IncompleteSignatureException, InvalidSignatureException

KEY = b"k" * 32
SEAL = Seal(
    key=hmac.new(KEY, digestmod="sha256"),
    amz_date="20231114T221320Z",
    scope="20231114/us-east-1/s3/aws4_request",
    seed="5" * 64,
)
EMPTY = hashlib.sha256().hexdigest()


def sign(kind: str, *lines: str) -> str:
    return hmac.new(KEY, "\n".join((kind, SEAL.amz_date, SEAL.scope, *lines)).encode(), "sha256").hexdigest()


def framed(chunks: list[bytes], *, signed: bool = True, trailer: bytes = b"") -> bytes:
    """The chunks in their frames, as a client writes them."""
    body, previous = b"", SEAL.seed
    for data in [*chunks, b""]:
        previous = sign("AWS4-HMAC-SHA256-PAYLOAD", previous, EMPTY, hashlib.sha256(data).hexdigest())
        extension = f";chunk-signature={previous}" if signed else ""
        body += f"{len(data):x}{extension}\r\n".encode() + data + (b"\r\n" if data else b"")
    if trailer:
        lines = trailer + b"\n"
        body += trailer + b"\r\n"
        if signed:
            signature = sign("AWS4-HMAC-SHA256-TRAILER", previous, hashlib.sha256(lines).hexdigest())
            body += f"x-amz-trailer-signature:{signature}\r\n".encode()
    return body + b"\r\n"


def test_signed_chunks_are_put_together() -> None:
    assert chunked.decode(framed([b"hello ", b"world"]), {}, SIGNED, SEAL) == b"hello world"
    assert chunked.decode(framed([]), {}, SIGNED, SEAL) == b""


def test_a_trailer_is_verified_too() -> None:
    body = framed([b"data"], trailer=b"x-amz-checksum-crc32:AAAAAA==")
    assert chunked.decode(body, {}, SIGNED_TRAILER, SEAL) == b"data"
    with pytest.raises(InvalidSignatureException):
        chunked.decode(body.replace(b"AAAAAA", b"AAAAAB"), {}, SIGNED_TRAILER, SEAL)


def test_unsigned_chunks_are_taken_as_they_are() -> None:
    body = framed([b"data"], signed=False, trailer=b"x-amz-checksum-crc32:AAAAAA==")
    assert chunked.decode(body, {"x-amz-decoded-content-length": "4"}, UNSIGNED_TRAILER, SEAL) == b"data"


@pytest.mark.parametrize(("old", "new"), [(b"hello", b"hallo"), (b"chunk-signature=", b"chunk-signature=0")])
def test_a_changed_chunk_is_refused(old: bytes, new: bytes) -> None:
    with pytest.raises(InvalidSignatureException):
        chunked.decode(framed([b"hello", b"again"]).replace(old, new, 1), {}, SIGNED, SEAL)


def test_swapped_chunks_are_refused() -> None:
    body = framed([b"aaaa", b"bbbb"]).replace(b"aaaa", b"XXXX").replace(b"bbbb", b"aaaa").replace(b"XXXX", b"bbbb")
    with pytest.raises(InvalidSignatureException):
        chunked.decode(body, {}, SIGNED, SEAL)


@pytest.mark.parametrize(
    "body", [b"", b"5\r\nab", b"zz\r\n", b"-1\r\n", b"ffffffffffffffffff\r\n", b"2\r\nabc\r\n0\r\n\r\n"]
)
def test_a_broken_frame_is_refused(body: bytes) -> None:
    with pytest.raises(IncompleteSignatureException) as refused:
        chunked.decode(body, {}, UNSIGNED_TRAILER, SEAL)
    assert refused.value.status == 400


def test_the_stated_length_must_be_the_data_s() -> None:
    with pytest.raises(IncompleteSignatureException):
        chunked.decode(framed([b"data"]), {"x-amz-decoded-content-length": "5"}, SIGNED, SEAL)
