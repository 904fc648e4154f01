"""AssumeRole and AssumeRoleWithWebIdentity: another's rights for a while."""

from collections.abc import Mapping
from typing import Any

from stoker.identity import session_requests, web_identities
from stoker.identity.entities import Role
from stoker.identity.identities import Identities
from stoker.identity.session_requests import SessionRequest
from stoker.identity.web_identities import FindKeys, WebIdentity
from stoker.model.clock import Clock
from stoker.model.errors import NotBuiltError
from stoker.services.sts.words import credentials_members
from stoker.wire.credentials import Credentials
from stoker.wire.message import Call

Members = Mapping[str, Any]

_DEFAULT_SESSION_S = 3600


class RoleSessions:
    """Hands out credentials of roles to whom their trust policies let in. `tls`: clients connect with nothing else."""

    def __init__(
        self, *, identities: Identities, keys: Credentials, clock: Clock, find_keys: FindKeys, tls: bool
    ) -> None:
        self._identities = identities
        self._keys = keys
        self._clock = clock
        self._find_keys = find_keys
        self._tls = tls

    async def assume_role(self, call: Call) -> Members:
        _refuse(call, "SerialNumber", "TokenCode", "ProvidedContexts")
        params = call.params
        request = SessionRequest(
            **self._common(call),
            tags={tag["Key"]: tag["Value"] for tag in params.get("Tags") or ()},
            transitive=tuple(params.get("TransitiveTagKeys") or ()),
            external_id=params.get("ExternalId"),
            source_identity=params.get("SourceIdentity"),
        )
        role = session_requests.assumed_role(self._identities.directory, request, self._clock.time())
        return self._granted(role, request)

    async def assume_role_with_web_identity(self, call: Call) -> Members:
        """The only operation that nobody signs: who calls is told by the token, which has to be right first."""
        _refuse(call, "ProviderId")
        directory, now = self._identities.directory, self._clock.time()
        identity = await web_identities.verified(call.params["WebIdentityToken"], directory, self._find_keys, now)
        request = SessionRequest(**self._common(call), **_told(identity))
        role = web_identities.assumed_role(directory, identity, request, now)
        return {
            **self._granted(role, request),
            "SubjectFromWebIdentityToken": identity.subject,
            "Provider": identity.provider.arn,
            "Audience": identity.audience,
        }

    def _common(self, call: Call) -> dict[str, Any]:
        params = call.params
        return {
            "caller": call.principal,
            "role_arn": params["RoleArn"],
            "name": params["RoleSessionName"],
            "duration_s": params.get("DurationSeconds"),
            "policy": params.get("Policy"),
            "policy_arns": tuple(each["arn"] for each in params.get("PolicyArns") or () if each.get("arn")),
            "source_ip": call.source_ip,
            "region": call.region,
            "tls": self._tls or call.is_secure,
        }

    def _granted(self, role: Role, request: SessionRequest) -> dict[str, Any]:
        grant = session_requests.grant(role, request)
        session = self._keys.grant(grant, request.duration_s or _DEFAULT_SESSION_S, now=self._clock.time())
        return {
            "Credentials": credentials_members(session),
            "AssumedRoleUser": {
                "AssumedRoleId": f"{role.id}:{request.name}",
                "Arn": f"arn:aws:sts::{role.account}:assumed-role/{role.name}/{request.name}",
            },
            "PackedPolicySize": session_requests.packed_percent(request) or None,
            "SourceIdentity": grant.source_identity,
        }


def _told(identity: WebIdentity) -> dict[str, Any]:
    """What the token says for the session."""
    return {"tags": identity.tags, "transitive": identity.transitive, "source_identity": identity.source_identity}


def _refuse(call: Call, *unbuilt: str) -> None:
    for name in unbuilt:
        if call.params.get(name):
            raise NotBuiltError(f"{call.operation}'s {name} is not there yet in Stoker.")
