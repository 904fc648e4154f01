"""The checksums that S3 takes, computed while data passes, and put together from those of parts.

Source: "Checking object integrity in Amazon S3" in the S3 user guide.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

COMPOSITE, FULL_OBJECT = "COMPOSITE", "FULL_OBJECT"
# What S3 computes where the caller asks for none.
DEFAULT = "CRC64NVME"
HEADER = "x-amz-checksum-"


class Running(Protocol):
    """A checksum in the making."""

    def update(self, data: bytes, /) -> object: ...

    def digest(self) -> bytes: ...


class _Crc:
    """A CRC of `awscrt`, as an object like those of hashlib."""

    def __init__(self, function: Callable[[bytes, int], int], size: int) -> None:
        self._function = function
        self._size = size
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = self._function(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size, "big")


class _XxHash:
    """An xxHash of `awscrt`, whose digest may be asked for once."""

    def __init__(self, running: Any) -> None:
        self._running = running

    def update(self, data: bytes, /) -> None:
        self._running.update(data)

    def digest(self) -> bytes:
        digest: bytes = self._running.finalize()
        return digest


def begin(algorithm: str) -> Running:
    """A new checksum of an algorithm by S3's name for it."""
    if algorithm in _HASHES:
        return _HASHES[algorithm]()
    # Only now: it takes 8 MB and 60 ms, and whoever keeps no objects needs it never.
    from awscrt import checksums

    if algorithm in _CRC_BYTES:
        return _Crc(getattr(checksums, algorithm.lower()), _CRC_BYTES[algorithm])
    kinds = {
        "XXHASH64": checksums.XXHash.new_xxhash64,
        "XXHASH3": checksums.XXHash.new_xxhash3_64,
        "XXHASH128": checksums.XXHash.new_xxhash3_128,
    }
    return _XxHash(kinds[algorithm]())


_HASHES: Mapping[str, Callable[[], Running]] = {
    "SHA1": hashlib.sha1,
    "SHA256": hashlib.sha256,
    "SHA512": hashlib.sha512,
    "MD5": hashlib.md5,
}
_CRC_BYTES = {"CRC32": 4, "CRC32C": 4, "CRC64NVME": 8}
_XXHASH_BYTES = {"XXHASH64": 8, "XXHASH3": 8, "XXHASH128": 16}
SIZES: Mapping[str, int] = {"SHA1": 20, "SHA256": 32, "SHA512": 64, "MD5": 16, **_CRC_BYTES, **_XXHASH_BYTES}
"""Bytes of a digest, by algorithm; all that there are."""


@dataclass(frozen=True, kw_only=True)
class Checksum:
    """A finished one. `value` is as it is sent: base64, with the number of parts after a hyphen if it is composite."""

    algorithm: str
    value: str
    kind: str = FULL_OBJECT

    @property
    def member(self) -> str:
        """What the API's shapes call it."""
        return f"Checksum{self.algorithm}"


def header_of(algorithm: str) -> str:
    """The header or trailer of an algorithm."""
    return HEADER + algorithm.lower()


def is_well_formed(algorithm: str, value: str) -> bool:
    try:
        return len(base64.b64decode(value, validate=True)) == SIZES[algorithm]
    except ValueError:
        return False


def encode(digest: bytes) -> str:
    return base64.b64encode(digest).decode("ascii")


def kind_for(algorithm: str, asked: str | None) -> str | None:
    """How an upload in parts gets its checksum, None for what the algorithm cannot do."""
    if algorithm == "CRC64NVME":
        return FULL_OBJECT if asked in (None, FULL_OBJECT) else None
    if asked == FULL_OBJECT:
        return FULL_OBJECT if algorithm in _CRC_BYTES else None
    return COMPOSITE


def of_parts(algorithm: str, kind: str, parts: Sequence[tuple[str, int]]) -> Checksum:
    """The checksum of an object from those of its parts, each with the part's size in bytes."""
    digests = [base64.b64decode(value) for value, _ in parts]
    if kind == COMPOSITE:
        running = begin(algorithm)
        running.update(b"".join(digests))
        return Checksum(algorithm=algorithm, value=f"{encode(running.digest())}-{len(parts)}", kind=COMPOSITE)
    from awscrt import checksums

    combine = getattr(checksums, f"combine_{algorithm.lower()}")
    value = 0
    for digest, (_, size) in zip(digests, parts, strict=True):
        value = combine(value, int.from_bytes(digest, "big"), size)
    return Checksum(algorithm=algorithm, value=encode(value.to_bytes(_CRC_BYTES[algorithm], "big")))
