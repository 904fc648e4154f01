"""OpenID Connect providers in memory: tokens that they sign, and the keys that they publish."""

from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from stoker.identity.errors import IDPCommunicationError

ISSUER = "https://id.example.com/realm"


class FakeProviders:
    """One key, published under every issuer's URL in `published`."""

    def __init__(self) -> None:
        self.key: ECKey | RSAKey = ECKey.generate_key("P-256", {"kid": "first"})
        self.published = {ISSUER}
        self.asked: list[tuple[str, str | None]] = []

    async def keys_of(self, issuer: str, key_id: str | None) -> KeySet:
        self.asked.append((issuer, key_id))
        if issuer not in self.published:
            raise IDPCommunicationError()
        return KeySet([self.key])

    def token(self, claims: dict[str, Any], *, algorithm: str = "ES256", key: Any = None) -> str:
        used = key or self.key
        return jwt.encode({"alg": algorithm, "kid": used.kid or "first"}, claims, used, algorithms=[algorithm])
