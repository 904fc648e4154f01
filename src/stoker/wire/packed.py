"""Bodies that clients have compressed (Content-Encoding: gzip), as SDKs do for PutMetricData from 10 KB on."""

import zlib

from stoker.wire.errors import RequestEntityTooLargeException, SerializationException

_GZIP = 16 + zlib.MAX_WBITS


def unpack(body: bytes, most: int) -> bytes:
    """What was compressed, within `most` bytes; takes milliseconds, so it is for threads.

    Raises RequestEntityTooLargeException, and SerializationException for what is no gzip or ends too early.
    """
    unpacker = zlib.decompressobj(_GZIP)
    try:
        plain = unpacker.decompress(body, most + 1)
    except zlib.error as error:
        raise SerializationException("The body is not compressed as its Content-Encoding says") from error
    if len(plain) > most:
        raise RequestEntityTooLargeException(f"Request must be smaller than {most} bytes when it is unpacked")
    if not unpacker.eof:
        raise SerializationException("The compressed body ends too early")
    return plain
