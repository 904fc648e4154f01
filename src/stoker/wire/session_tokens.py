"""Session tokens: short-lived credentials that carry their own facts, so that no store has to remember them."""

import base64
import hashlib
import hmac
import json
import secrets
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from stoker.model.principal import Principal, Session
from stoker.wire.errors import UnrecognizedClientException

SESSION_KEY_PREFIX = "ASIA"
# What a token may unpack to. Only sealed ones are unpacked; this is for one that an older Stoker sealed.
_MAX_FACTS = 1 << 20


@dataclass(frozen=True, kw_only=True)
class SessionCredentials:
    """What AssumeRole hands out. `expiration` is in UTC."""

    access_key: str
    secret_key: str = field(repr=False)
    session_token: str = field(repr=False)
    expiration: datetime


@dataclass(frozen=True, kw_only=True)
class Grant:
    """Whose credentials a session gets. `name` is a role session's; None makes the session the issuer itself.

    Times and bounds are as `model.principal.Session` has them.
    """

    issuer_arn: str
    issuer_id: str
    name: str | None
    policies: tuple[str, ...] = ()
    policy_arns: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    transitive: tuple[str, ...] = ()
    source_identity: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenedToken:
    """What a session token says, once its seal has been checked. `expires` is in seconds since the epoch."""

    secret: str = field(repr=False)
    principal: Principal
    issuer_id: str
    expires: float


class SessionTokens:
    """Makes and opens tokens with the platform's key.

    A token is its facts (compressed JSON) and an HMAC over them; the secret key is derived from them with the same key.
    Every process with that key agrees, and a restart forgets nobody. The bearer can read the facts, not change them.
    """

    def __init__(self, platform_key: bytes) -> None:
        self._platform_key = platform_key

    def __repr__(self) -> str:
        return "<SessionTokens>"

    def mint(self, grant: Grant, duration_s: float, *, now: float) -> SessionCredentials:
        """Credentials that are good for `duration_s` seconds from `now` (seconds since the epoch)."""
        expires = now + duration_s
        access_key = new_key_id(SESSION_KEY_PREFIX)
        facts = {
            "key": access_key,
            "arn": grant.issuer_arn,
            "id": grant.issuer_id,
            "name": grant.name,
            "issued": now,
            "expires": expires,
            "policies": list(grant.policies),
            "arns": list(grant.policy_arns),
            "tags": dict(grant.tags),
            "transitive": list(grant.transitive),
            "source": grant.source_identity,
        }
        packed = _compressed(json.dumps(facts, separators=(",", ":")).encode())
        sealed = base64.urlsafe_b64encode(packed).decode("ascii")
        return SessionCredentials(
            access_key=access_key,
            secret_key=self._derive("secret", sealed),
            session_token=f"{sealed}.{self._derive('seal', sealed)}",
            expiration=datetime.fromtimestamp(expires, UTC),
        )

    def open(self, token: str) -> OpenedToken:
        """What a token says; raises UnrecognizedClientException for one that was not made here, or was changed."""
        sealed, _, seal = token.partition(".")
        if not token.isascii() or not hmac.compare_digest(self._derive("seal", sealed), seal):
            raise UnrecognizedClientException()
        try:
            facts = json.loads(zlib.decompressobj().decompress(base64.urlsafe_b64decode(sealed), _MAX_FACTS))
        except (ValueError, zlib.error):
            # Sealed with this key, and in the form of an older release.
            raise UnrecognizedClientException() from None
        return OpenedToken(
            secret=self._derive("secret", sealed),
            principal=_principal(facts),
            issuer_id=facts["id"],
            expires=facts["expires"],
        )

    def _derive(self, purpose: str, sealed: str) -> str:
        digest = hmac.digest(self._platform_key, f"{purpose}:{sealed}".encode(), "sha256")
        # 40 characters, as long as AWS's secret keys, out of 240 of the digest's bits.
        return base64.b64encode(digest[:30], altchars=b"-_").decode("ascii")


def _principal(facts: Mapping[str, Any]) -> Principal:
    issuer, issuer_id, name = facts["arn"], facts["id"], facts["name"]
    account = issuer.split(":")[4]
    session = Session(
        issuer_arn=issuer,
        issuer_id=issuer_id,
        policies=tuple(facts["policies"]),
        policy_arns=tuple(facts["arns"]),
        tags=facts["tags"],
        # Tokens of older releases have none.
        transitive=tuple(facts.get("transitive", ())),
        source_identity=facts["source"],
        issued=facts["issued"],
    )
    role = issuer.rpartition("/")[2]
    return Principal(
        account=account,
        arn=issuer if name is None else f"arn:aws:sts::{account}:assumed-role/{role}/{name}",
        user_id=issuer_id if name is None else f"{issuer_id}:{name}",
        access_key=facts["key"],
        session=session,
    )


def id_of_unknown_role(role_arn: str) -> str:
    """An id in the form of a role's, for a role that nothing is known of: no role has it."""
    return "AROA" + base64.b32encode(hashlib.sha256(role_arn.encode()).digest())[:17].decode("ascii")


def new_key_id(prefix: str) -> str:
    """In the form of AWS's: 16 characters of A to Z and 2 to 7 behind the prefix."""
    return prefix + base64.b32encode(secrets.token_bytes(10)).decode("ascii")


def _compressed(facts: bytes) -> bytes:
    # A window of 4 KB: to clear the usual one takes 280 µs, this way it is 11, of every cold start.
    compressor = zlib.compressobj(wbits=12, memLevel=4)
    return compressor.compress(facts) + compressor.flush()
