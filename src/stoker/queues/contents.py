"""Messages' contents as they lie in the database: msgpack, and sealed where the queue they were sent to says so.

Source: "Encryption at rest in Amazon SQS" (SSE-SQS). Messages are sealed as they arrive; what there was
stays as it was, and what was sealed is so in whichever queue it is moved to.
"""

import asyncio
import os
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from stoker.queues.message import Content

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# The one byte that no msgpack begins with.
_SEALED = b"\xc1"
_NONCE_BYTES = 12
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Content).decode


class ContentSealBrokenError(Exception):
    """A message is not what was sealed, or was sealed with another platform key: restore DIR/platform.key."""


class Contents:
    """Packs and unpacks, with AES-GCM under one key of 32 bytes. Thread-safe."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __repr__(self) -> str:
        return "<Contents>"

    async def prepare(self) -> None:
        """Load what sealing needs: some dozens of ms, which a thread has and the event loop has not."""
        if "_cipher" not in self.__dict__:
            await asyncio.to_thread(lambda: self._cipher)

    def pack(self, content: Content, *, sealed: bool) -> bytes:
        packed = _encode(content)
        if not sealed:
            return packed
        nonce = os.urandom(_NONCE_BYTES)
        return _SEALED + nonce + self._cipher.encrypt(nonce, packed, None)

    def unpack(self, packed: bytes) -> Content:
        """Raises ContentSealBrokenError."""
        return _decode(self._open(packed) if self.is_sealed(packed) else packed)

    @staticmethod
    def is_sealed(packed: bytes) -> bool:
        return packed[:1] == _SEALED

    def _open(self, packed: bytes) -> bytes:
        from cryptography.exceptions import InvalidTag

        begin = 1 + _NONCE_BYTES
        try:
            return self._cipher.decrypt(packed[1:begin], packed[begin:], None)
        except InvalidTag:
            raise ContentSealBrokenError(ContentSealBrokenError.__doc__) from None

    @cached_property
    def _cipher(self) -> "AESGCM":
        # 12 MB of resident memory, mostly OpenSSL: a Stoker without such queues does without.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self._key)
