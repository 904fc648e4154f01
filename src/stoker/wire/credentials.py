"""The keys that requests are signed with: the operator's root key, and short-lived ones that no store remembers."""

import base64
import configparser
import hashlib
import hmac
import io
import json
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from stoker.model.principal import Principal
from stoker.wire.errors import ExpiredTokenException, UnrecognizedClientException

SESSION_KEY_PREFIX = "ASIA"
_ROOT_KEY_PREFIX = "AKIA"
_ID_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_CACHED_TOKENS = 4096


@dataclass(frozen=True, kw_only=True)
class SessionCredentials:
    """What AssumeRole hands out. `expiration` is in UTC."""

    access_key: str
    secret_key: str
    session_token: str
    expiration: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class _Session:
    """What a session token says, once its seal has been checked. `expires` is in seconds since the epoch."""

    secret: str
    principal: Principal
    expires: float


class Credentials:
    """Looks up who an access key belongs to, and mints session credentials.

    A session token carries its own facts under an HMAC with the platform key, and the secret key is derived from that
    key too: nothing is stored, every process with the same platform key agrees, and a restart forgets nobody.
    """

    def __init__(self, *, account: str, access_key: str, secret_key: str, platform_key: bytes) -> None:
        self.access_key = access_key
        self.secret_key = secret_key
        self._platform_key = platform_key
        self._root = Principal(
            account=account, arn=f"arn:aws:iam::{account}:root", user_id=account, access_key=access_key
        )
        self._opened = lru_cache(maxsize=_CACHED_TOKENS)(self._open)

    def __repr__(self) -> str:
        return f"<Credentials {self.access_key} of {self._root.account}>"

    def mint(self, role_arn: str, session_name: str, duration_s: float, *, now: float) -> SessionCredentials:
        """Credentials of a session of a role, good for `duration_s` seconds from `now` (seconds since the epoch)."""
        expires = now + duration_s
        access_key = _new_id(SESSION_KEY_PREFIX)
        facts = {"key": access_key, "role": role_arn, "session": session_name, "expires": expires}
        sealed = base64.urlsafe_b64encode(json.dumps(facts, separators=(",", ":")).encode()).decode("ascii")
        return SessionCredentials(
            access_key=access_key,
            secret_key=self._derive("secret", sealed),
            session_token=f"{sealed}.{self._derive('seal', sealed)}",
            expiration=datetime.fromtimestamp(expires, UTC),
        )

    def lookup(self, access_key: str, session_token: str | None, now: float) -> tuple[str, Principal]:
        """The secret key and who it is; raises UnrecognizedClientException or ExpiredTokenException."""
        if session_token is None:
            if access_key != self.access_key:
                raise UnrecognizedClientException()
            return self.secret_key, self._root
        session = self._opened(session_token)
        if session.principal.access_key != access_key:
            raise UnrecognizedClientException()
        if now >= session.expires:
            raise ExpiredTokenException()
        return session.secret, session.principal

    def derived_key(self, purpose: str) -> bytes:
        """A key of its own for another use of the platform's, from which neither can be told."""
        return hmac.digest(self._platform_key, f"key:{purpose}".encode(), "sha256")

    def _open(self, token: str) -> _Session:
        sealed, _, seal = token.partition(".")
        if not token.isascii() or not hmac.compare_digest(self._derive("seal", sealed), seal):
            raise UnrecognizedClientException()
        facts = json.loads(base64.urlsafe_b64decode(sealed))
        principal = _session_principal(facts["key"], facts["role"], facts["session"])
        return _Session(secret=self._derive("secret", sealed), principal=principal, expires=facts["expires"])

    def _derive(self, purpose: str, sealed: str) -> str:
        digest = hmac.digest(self._platform_key, f"{purpose}:{sealed}".encode(), "sha256")
        # 40 characters, as long as AWS's secret keys, out of 240 of the digest's bits.
        return base64.b64encode(digest[:30], altchars=b"-_").decode("ascii")


def _session_principal(access_key: str, role_arn: str, session_name: str) -> Principal:
    account = role_arn.split(":")[4]
    role = role_arn.rpartition("/")[2]
    role_id = "AROA" + base64.b32encode(hashlib.sha256(role_arn.encode()).digest())[:17].decode("ascii")
    return Principal(
        account=account,
        arn=f"arn:aws:sts::{account}:assumed-role/{role}/{session_name}",
        user_id=f"{role_id}:{session_name}",
        access_key=access_key,
    )


def _new_id(prefix: str) -> str:
    return prefix + "".join(secrets.choice(_ID_ALPHABET) for _ in range(16))


def load_or_create(data: Path, preset: tuple[str, str] | None, *, account: str) -> Credentials:
    """The credentials of a data directory, made on its first use.

    Writes `credentials` (an AWS credentials file, profile `default`) and `platform.key`, both readable by their owner
    alone. `preset` (access key, secret key) replaces the root key. Blocks on the disk.
    """
    data.mkdir(parents=True, exist_ok=True)
    access_key, secret_key = preset or _read_root_key(data / "credentials") or _new_root_key()
    _keep(data / "credentials", _credentials_file(access_key, secret_key))
    platform_key = data / "platform.key"
    if not platform_key.exists():
        _keep(platform_key, secrets.token_hex(32).encode())
    return Credentials(
        account=account,
        access_key=access_key,
        secret_key=secret_key,
        platform_key=bytes.fromhex(platform_key.read_text().strip()),
    )


def _new_root_key() -> tuple[str, str]:
    return _new_id(_ROOT_KEY_PREFIX), secrets.token_urlsafe(30)


def _read_root_key(path: Path) -> tuple[str, str] | None:
    if not path.exists():
        return None
    file = configparser.RawConfigParser()
    file.read_string(path.read_text())
    return file["default"]["aws_access_key_id"], file["default"]["aws_secret_access_key"]


def _credentials_file(access_key: str, secret_key: str) -> bytes:
    file = configparser.RawConfigParser()
    file["default"] = {"aws_access_key_id": access_key, "aws_secret_access_key": secret_key}
    text = io.StringIO()
    file.write(text)
    return text.getvalue().encode()


def _keep(path: Path, content: bytes) -> None:
    """Write a private file so that it is there whole or not at all, also after a power cut."""
    if path.exists() and path.read_bytes() == content and path.stat().st_mode & 0o777 == 0o600:
        return
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    # O_EXCL and the mode at creation: nobody else may have the file open before its content is in it.
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # A rename is durable once its directory is on disk.
        os.fsync(directory)
    finally:
        os.close(directory)
