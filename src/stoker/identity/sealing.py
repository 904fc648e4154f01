"""Secrets at rest: sealed with AES-GCM, each to what it belongs to."""

import os
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


class SealBrokenError(Exception):
    """A secret is not what was sealed, or was sealed with another platform key: restore DIR/platform.key."""


class Seal:
    """Seals texts with one key of 32 bytes. `about` is what a text belongs to: beside another it does not open."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __repr__(self) -> str:
        return "<Seal>"

    def prepare(self) -> None:
        """Load what sealing needs: some dozens of ms, which a thread has and the event loop has not."""
        _ = self._cipher

    def close(self, secret: str, about: str) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret.encode(), about.encode())

    def open(self, sealed: bytes, about: str) -> str:
        """The text; raises SealBrokenError."""
        from cryptography.exceptions import InvalidTag

        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], about.encode()).decode()
        except InvalidTag:
            raise SealBrokenError(f"{about}: {SealBrokenError.__doc__}") from None

    @cached_property
    def _cipher(self) -> "AESGCM":
        # 12 MB of resident memory, mostly OpenSSL: a Stoker whose users have no keys does without.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self._key)
