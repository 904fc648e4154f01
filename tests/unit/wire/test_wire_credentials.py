"""The root key and the sessions that nobody stores."""

import configparser
import os
from pathlib import Path

import pytest
from botocore.session import Session

from stoker.wire.credentials import Credentials, load_or_create
from stoker.wire.errors import ExpiredTokenException, UnrecognizedClientException

ROLE = "arn:aws:iam::000000000000:role/service-role/worker"
NOW = 1_700_000_000.0


def credentials(platform_key: bytes = b"p" * 32) -> Credentials:
    return Credentials(account="000000000000", access_key="AKIA1", secret_key="secret", platform_key=platform_key)


def test_the_root_key_is_the_account_itself() -> None:
    secret, principal = credentials().lookup("AKIA1", None, NOW)
    assert (secret, principal.arn, principal.user_id) == ("secret", "arn:aws:iam::000000000000:root", "000000000000")


def test_a_session_is_known_until_it_expires_also_after_a_restart() -> None:
    session = credentials().mint(ROLE, "hello", 900, now=NOW)
    secret, principal = credentials().lookup(session.access_key, session.session_token, NOW + 899)
    assert secret == session.secret_key
    assert principal.arn == "arn:aws:sts::000000000000:assumed-role/worker/hello"
    assert principal.user_id.startswith("AROA") and principal.user_id.endswith(":hello")
    assert session.access_key.startswith("ASIA") and len(session.access_key) == 20 and len(session.secret_key) == 40
    with pytest.raises(ExpiredTokenException, match="is expired") as late:
        credentials().lookup(session.access_key, session.session_token, NOW + 900)
    assert late.value.status == 403


def test_two_sessions_of_a_role_have_keys_of_their_own() -> None:
    first, second = (credentials().mint(ROLE, "hello", 900, now=NOW) for _ in range(2))
    assert first.access_key != second.access_key
    assert first.secret_key != second.secret_key


def test_a_forged_token_is_refused() -> None:
    session = credentials().mint(ROLE, "hello", 900, now=NOW)
    sealed, _, seal = session.session_token.partition(".")
    other = credentials(b"q" * 32).mint(ROLE, "hello", 900, now=NOW)
    for token in (f"{sealed}x.{seal}", f"{sealed}.{seal}x", sealed, "", ".", "é.é", other.session_token):
        with pytest.raises(UnrecognizedClientException):
            credentials().lookup(session.access_key, token, NOW)


def test_a_token_is_good_with_its_own_key_alone() -> None:
    session = credentials().mint(ROLE, "hello", 900, now=NOW)
    for key, token in (("ASIA0", session.session_token), ("AKIA1", session.session_token), (session.access_key, None)):
        with pytest.raises(UnrecognizedClientException):
            credentials().lookup(key, token, NOW)


def test_a_new_data_directory_gets_credentials_that_boto_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = load_or_create(tmp_path / "data", None, account="000000000000")
    for name in ("credentials", "platform.key"):
        assert (tmp_path / "data" / name).stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "data" / "credentials"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    read = Session().get_credentials()
    assert (read.access_key, read.secret_key) == (made.access_key, made.secret_key)


def test_keys_and_sessions_survive_a_restart(tmp_path: Path) -> None:
    first = load_or_create(tmp_path, None, account="000000000000")
    session = first.mint(ROLE, "hello", 900, now=NOW)
    again = load_or_create(tmp_path, None, account="000000000000")
    assert (again.access_key, again.secret_key) == (first.access_key, first.secret_key)
    assert again.lookup(session.access_key, session.session_token, NOW)[0] == session.secret_key
    assert sorted(os.listdir(tmp_path)) == ["credentials", "platform.key"]


def test_a_preset_key_replaces_the_one_that_was_made(tmp_path: Path) -> None:
    load_or_create(tmp_path, None, account="000000000000")
    preset = load_or_create(tmp_path, ("mine", "a%se=cret"), account="000000000000")
    assert (preset.access_key, preset.secret_key) == ("mine", "a%se=cret")
    file = configparser.RawConfigParser()
    file.read(tmp_path / "credentials")
    assert file["default"]["aws_secret_access_key"] == "a%se=cret"
