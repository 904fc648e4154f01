"""Request ids: random UUIDs (version 4), which clients parse as such."""

import os

_BATCH = 256


class RequestIds:
    """Gives ids from batches of the kernel's randomness: 1 µs each, where `str(uuid.uuid4())` takes 4 (measured)."""

    def __init__(self) -> None:
        self._random = b""
        self._used = 0

    def new(self) -> str:
        """A new id, in the usual form of 36 characters."""
        if self._used == len(self._random):
            self._random, self._used = os.urandom(16 * _BATCH), 0
        digits = self._random[self._used : self._used + 16].hex()
        self._used += 16
        # RFC 9562: the version is 4, the variant's two bits are 10.
        variant = "89ab"[int(digits[16], 16) & 3]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
