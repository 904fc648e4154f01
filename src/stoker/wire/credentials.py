"""The keys that requests are signed with: the operator's root key, users' keys, and short-lived ones of sessions."""

import configparser
import hmac
import io
import os
import secrets
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from stoker.model.principal import Principal
from stoker.wire.errors import ExpiredTokenException, UnrecognizedClientException
from stoker.wire.session_tokens import Grant, SessionCredentials, SessionTokens, id_of_unknown_role, new_key_id

_ROOT_KEY_PREFIX = "AKIA"
_CACHED_TOKENS = 4096


class Signers(Protocol):
    """Whoever knows the users' keys, and which roles there still are."""

    def find(self, key_id: str) -> tuple[str, Principal] | None:
        """The secret of an active key and whose it is."""

    def is_live(self, issuer_id: str) -> bool:
        """Whether the role or user of this unique id is still there."""

    def note_use(self, principal: Principal, moment: float, service: str, region: str) -> None:
        """A request was verified to be signed by a caller, who need not be a user."""


class Credentials:
    """Looks up who an access key belongs to, and mints session credentials.

    It knows the root key and sessions by itself, and users' keys once `consult` has told it whom to ask.
    """

    def __init__(self, *, account: str, access_key: str, secret_key: str, platform_key: bytes) -> None:
        self.access_key = access_key
        self.secret_key = secret_key
        self._platform_key = platform_key
        self._root = Principal(
            account=account, arn=f"arn:aws:iam::{account}:root", user_id=account, access_key=access_key
        )
        self._tokens = SessionTokens(platform_key)
        self._opened = lru_cache(maxsize=_CACHED_TOKENS)(self._tokens.open)
        self._signers: Signers | None = None

    def __repr__(self) -> str:
        return f"<Credentials {self.access_key} of {self._root.account}>"

    def consult(self, signers: Signers) -> None:
        """From now on users' keys are known, and sessions end with the role or user that they are from."""
        self._signers = signers

    def mint(self, role_arn: str, session_name: str, duration_s: float, *, now: float) -> SessionCredentials:
        """Credentials of a session of a role that nothing is known of but its ARN."""
        grant = Grant(issuer_arn=role_arn, issuer_id=id_of_unknown_role(role_arn), name=session_name)
        return self.grant(grant, duration_s, now=now)

    def grant(self, grant: Grant, duration_s: float, *, now: float) -> SessionCredentials:
        """Credentials that are good for `duration_s` seconds from `now` (seconds since the epoch)."""
        return self._tokens.mint(grant, duration_s, now=now)

    def lookup(self, access_key: str, session_token: str | None, now: float) -> tuple[str, Principal]:
        """The secret key and who it is; raises UnrecognizedClientException or ExpiredTokenException."""
        if session_token is None:
            return self._lookup_key(access_key)
        session = self._opened(session_token)
        if session.principal.access_key != access_key:
            raise UnrecognizedClientException()
        if now >= session.expires:
            raise ExpiredTokenException()
        if self._signers is not None and not self._signers.is_live(session.issuer_id):
            raise UnrecognizedClientException()
        return session.secret, session.principal

    def _lookup_key(self, access_key: str) -> tuple[str, Principal]:
        if access_key == self.access_key:
            return self.secret_key, self._root
        found = self._signers.find(access_key) if self._signers is not None else None
        if found is None:
            raise UnrecognizedClientException()
        return found

    def note_use(self, principal: Principal, moment: float, service: str, region: str) -> None:
        """A request was verified to be signed by this caller."""
        if self._signers is not None:
            self._signers.note_use(principal, moment, service, region)

    def derived_key(self, purpose: str) -> bytes:
        """A key of its own for another use of the platform's, from which neither can be told."""
        return hmac.digest(self._platform_key, f"key:{purpose}".encode(), "sha256")


def load_or_create(data: Path, preset: tuple[str, str] | None, *, account: str) -> Credentials:
    """The credentials of a data directory, made on its first use.

    Writes `credentials` (an AWS credentials file, profile `default`) and `platform.key`, both readable by their owner
    alone. `preset` (access key, secret key) replaces the root key. Blocks on the disk.
    """
    data.mkdir(parents=True, exist_ok=True)
    access_key, secret_key = preset or _read_root_key(data / "credentials") or _new_root_key()
    keep_private(data / "credentials", _credentials_file(access_key, secret_key))
    platform_key = data / "platform.key"
    if not platform_key.exists():
        keep_private(platform_key, secrets.token_hex(32).encode())
    return Credentials(
        account=account,
        access_key=access_key,
        secret_key=secret_key,
        platform_key=bytes.fromhex(platform_key.read_text().strip()),
    )


def _new_root_key() -> tuple[str, str]:
    return new_key_id(_ROOT_KEY_PREFIX), secrets.token_urlsafe(30)


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


def keep_private(path: Path, content: bytes) -> None:
    """Write a file for its owner alone (mode 0600), so that it is there whole or not at all, also after a power cut."""
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
