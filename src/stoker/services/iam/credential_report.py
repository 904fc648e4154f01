"""The credential report: who has which keys, and when they were last used.

Source: "Getting credential reports for your AWS account" in the IAM User Guide.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from stoker.identity.entities import AccessKey, User
from stoker.identity.errors import ReportNotPresent
from stoker.identity.identities import Identities
from stoker.identity.quotas import ACCESS_KEYS
from stoker.model.clock import Clock
from stoker.services.iam import words
from stoker.wire.message import Call

Members = Mapping[str, Any]
# AWS makes a new one only after so long; until then it hands out the last.
GOOD_S = 4 * 3600.0
_NONE, _NO_INFORMATION, _NOT_SUPPORTED = "N/A", "no_information", "not_supported"
_PASSWORD = ("password_enabled", "password_last_used", "password_last_changed", "password_next_rotation")
_CERTIFICATES = [f"cert_{number}_{what}" for number in (1, 2) for what in ("active", "last_rotated")]


class CredentialReportOperations:
    """GenerateCredentialReport and GetCredentialReport. A report is kept in memory: a restart forgets it."""

    def __init__(self, identities: Identities, clock: Clock) -> None:
        self._identities = identities
        self._directory = identities.directory
        self._clock = clock
        self._made: tuple[float, bytes] | None = None

    async def generate_credential_report(self, call: Call) -> Members:
        now = self._clock.time()
        if self._made is None or now - self._made[0] >= GOOD_S:
            self._made = now, self._report(now)
            return {"State": "STARTED", "Description": "No report exists. Starting a new report generation task"}
        return {"State": "COMPLETE"}

    async def get_credential_report(self, call: Call) -> Members:
        if self._made is None:
            raise ReportNotPresent()
        made, content = self._made
        return {"Content": content, "ReportFormat": "text/csv", "GeneratedTime": words.moment(made)}

    def _report(self, now: float) -> bytes:
        rows = [self._root(now), *(self._user(user) for user in self._directory.all(User))]
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue().encode()

    def _root(self, now: float) -> dict[str, str]:
        """The account itself, whose key is the operator's: when it was made and used is not written down."""
        account = self._directory.account
        keys = {"access_key_1_active": "true", "access_key_2_active": "false"}
        return {
            "user": "<root_account>",
            "arn": f"arn:aws:iam::{account}:root",
            "user_creation_time": _NO_INFORMATION,
            **dict.fromkeys(_PASSWORD, _NOT_SUPPORTED),
            "mfa_active": "false",
            **dict.fromkeys(_key_columns(1), _NO_INFORMATION),
            **dict.fromkeys(_key_columns(2), _NONE),
            **keys,
            **_certificates(),
        }

    def _user(self, user: User) -> dict[str, str]:
        keys: list[AccessKey | None] = [*self._directory.keys_of(user), *[None] * ACCESS_KEYS][:ACCESS_KEYS]
        return {
            "user": user.name,
            "arn": user.arn,
            "user_creation_time": _moment(user.created),
            **dict.fromkeys(_PASSWORD, _NONE),
            "password_enabled": "false",
            "mfa_active": "false",
            **{name: text for number, key in enumerate(keys, 1) for name, text in self._key(number, key).items()},
            **_certificates(),
        }

    def _key(self, number: int, key: AccessKey | None) -> dict[str, str]:
        if key is None:
            return dict(zip(_key_columns(number), ("false", _NONE, _NONE, _NONE, _NONE), strict=True))
        use = self._identities.signers.last_use(key.id)
        _, used, service, region = use or (key.id, key.used, key.used_service, key.used_region)
        values = (
            str(key.active).lower(),
            _moment(key.created),
            _NONE if used is None else _moment(used),
            region or _NONE,
            service or _NONE,
        )
        return dict(zip(_key_columns(number), values, strict=True))


def _key_columns(number: int) -> Sequence[str]:
    names = ("active", "last_rotated", "last_used_date", "last_used_region", "last_used_service")
    return [f"access_key_{number}_{name}" for name in names]


def _certificates() -> dict[str, str]:
    return {name: "false" if name.endswith("active") else _NONE for name in _CERTIFICATES}


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat()
