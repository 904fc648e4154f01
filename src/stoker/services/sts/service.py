"""The Security Token Service: who signed, and credentials that end by themselves."""

import json
from collections.abc import Mapping
from typing import Any

from stoker.identity.entities import AccessKey
from stoker.identity.identities import Identities
from stoker.identity.web_identities import FindKeys
from stoker.model.access import AccessTable
from stoker.model.clock import Clock
from stoker.model.errors import AccessDeniedException, NotBuiltError
from stoker.services.sts.access import ACCESS
from stoker.services.sts.roles import RoleSessions
from stoker.services.sts.words import credentials_members
from stoker.wire.credentials import Credentials
from stoker.wire.message import Call
from stoker.wire.operations import Method, operations_of
from stoker.wire.session_tokens import Grant

Members = Mapping[str, Any]

_DEFAULT_SESSION_TOKEN_S = 12 * 3600
_MAX_ROOT_SESSION_S = 3600

# What GetSessionToken's credentials may not do without multi-factor authentication.
_WITHOUT_IAM = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {
                "Effect": "Deny",
                "Action": ["iam:*", "sts:GetFederationToken", "sts:GetSessionToken", "sts:GetAccessKeyInfo"],
                "Resource": "*",
            },
        ],
    },
    separators=(",", ":"),
)


class StsService:
    """Whatever it hands out is sealed with the platform's key and stored nowhere. `find_keys` gets the public keys of
    identity providers.
    """

    name = "sts"
    access: AccessTable = ACCESS

    def __init__(
        self,
        *,
        identities: Identities,
        keys: Credentials,
        clock: Clock,
        find_keys: FindKeys,
        tls: bool = False,
    ) -> None:
        self._identities = identities
        self._keys = keys
        self._clock = clock
        sessions = RoleSessions(identities=identities, keys=keys, clock=clock, find_keys=find_keys, tls=tls)
        self.operations: Mapping[str, Method] = operations_of(self, sessions)

    def __repr__(self) -> str:
        return "<StsService>"

    async def get_caller_identity(self, call: Call) -> Members:
        principal = call.principal
        return {"UserId": principal.user_id, "Account": principal.account, "Arn": principal.arn}

    async def get_session_token(self, call: Call) -> Members:
        principal, params = call.principal, call.params
        if params.get("SerialNumber") or params.get("TokenCode"):
            raise NotBuiltError("Multi-factor authentication is not there yet in Stoker.")
        if principal.session is not None:
            raise AccessDeniedException("Cannot call GetSessionToken with session credentials")
        seconds = params.get("DurationSeconds", _DEFAULT_SESSION_TOKEN_S)
        if principal.is_operator:
            seconds = min(seconds, _MAX_ROOT_SESSION_S)
        grant = Grant(
            issuer_arn=principal.arn,
            issuer_id=principal.user_id,
            name=None,
            policies=(_WITHOUT_IAM,),
        )
        return {"Credentials": credentials_members(self._keys.grant(grant, seconds, now=self._clock.time()))}

    async def get_access_key_info(self, call: Call) -> Members:
        """The account of a key. One that is not known here is another account's, and that is not told."""
        key_id = call.params["AccessKeyId"]
        known: AccessKey | None = self._identities.directory.key(key_id)
        if known is None and key_id not in (self._keys.access_key, call.principal.access_key):
            raise NotBuiltError("Stoker knows the access keys of its own account only; a session's are not remembered.")
        return {"Account": call.account}
