"""Links under which a package can be downloaded for a while: GetFunction's Code.Location.

A link is `/_stoker/code/<digest>?Expires=<seconds since the epoch>&Signature=<hex>`, the signature a keyed hash of the
two. The front door asks `CodeLinks.verify` and sends the file of `CodeStorage.zip_path`.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping

from stoker.model.clock import Clock

PATH = "/_stoker/code/"
# AWS's links hold for 10 minutes (API reference, GetFunction).
LIFETIME_S = 600
_SECONDS = re.compile(r"[0-9]{1,12}")


class CodeLinks:
    """Signs and verifies links with a secret of this installation; `endpoint` is what clients reach Stoker at."""

    def __init__(self, *, endpoint: str, secret: bytes, clock: Clock) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._secret = secret
        self._clock = clock

    def sign(self, digest: str) -> str:
        """A URL for the zip of this digest that holds for LIFETIME_S."""
        expires = str(int(self._clock.time()) + LIFETIME_S)
        return f"{self._endpoint}{PATH}{digest}?Expires={expires}&Signature={self._signature(digest, expires)}"

    def verify(self, digest: str, query: Mapping[str, str]) -> bool:
        """Whether this is a link of ours that still holds."""
        expires = query.get("Expires", "")
        if not (_SECONDS.fullmatch(expires) and int(expires) >= self._clock.time()):
            return False
        given = query.get("Signature", "").encode()
        return hmac.compare_digest(given, self._signature(digest, expires).encode())

    def _signature(self, digest: str, expires: str) -> str:
        return hmac.new(self._secret, f"{digest}\n{expires}".encode(), hashlib.sha256).hexdigest()
