"""Signing messages: the key is read, or made, when the first message is signed."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stoker.buses.signing_key import SigningKey


class Signer:
    """Signs with the key in a file. Its methods block: they are for threads, several at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._key: SigningKey | None = None
        # Guards the making of the key: there is one, and it is written once.
        self._opening = threading.Lock()

    def __repr__(self) -> str:
        return f"<Signer {self._path.name}{'' if self._key is None else ', open'}>"

    def sign(self, text: bytes, version: str) -> str:
        """A signature in base64, for a SignatureVersion; costs about a millisecond."""
        return self._open().sign(text, version)

    def certificate(self) -> bytes:
        """The certificate in PEM, for those who verify."""
        return self._open().certificate

    def _open(self) -> "SigningKey":
        with self._opening:
            if self._key is None:
                # Whoever publishes nothing does not pay for the library.
                from stoker.buses.signing_key import SigningKey

                self._key = SigningKey.load_or_create(self._path)
            return self._key
