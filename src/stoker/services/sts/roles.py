"""AssumeRole: another's rights for a while."""

from collections.abc import Mapping
from typing import Any

from stoker.identity import session_requests
from stoker.identity.identities import Identities
from stoker.identity.session_requests import SessionRequest
from stoker.model.clock import Clock
from stoker.model.errors import NotBuiltError
from stoker.services.sts.words import credentials_members
from stoker.wire.credentials import Credentials
from stoker.wire.message import Call

Members = Mapping[str, Any]

_DEFAULT_SESSION_S = 3600


class RoleSessions:
    """Hands out credentials of roles to whom their trust policies let in."""

    def __init__(self, *, identities: Identities, keys: Credentials, clock: Clock) -> None:
        self._identities = identities
        self._keys = keys
        self._clock = clock

    async def assume_role(self, call: Call) -> Members:
        request = _request(call)
        role = session_requests.assumed_role(self._identities.directory, request, self._clock.time())
        grant = session_requests.grant(role, request)
        seconds = request.duration_s or _DEFAULT_SESSION_S
        session = self._keys.grant(grant, seconds, now=self._clock.time())
        return {
            "Credentials": credentials_members(session),
            "AssumedRoleUser": {
                "AssumedRoleId": f"{role.id}:{request.name}",
                "Arn": f"arn:aws:sts::{role.account}:assumed-role/{role.name}/{request.name}",
            },
            "PackedPolicySize": session_requests.packed_percent(request) or None,
            "SourceIdentity": request.source_identity,
        }


def _request(call: Call) -> SessionRequest:
    params = call.params
    for unbuilt in ("SerialNumber", "TokenCode", "ProvidedContexts"):
        if params.get(unbuilt):
            raise NotBuiltError(f"AssumeRole's {unbuilt} is not there yet in Stoker.")
    return SessionRequest(
        caller=call.principal,
        role_arn=params["RoleArn"],
        name=params["RoleSessionName"],
        duration_s=params.get("DurationSeconds"),
        policy=params.get("Policy"),
        policy_arns=tuple(each["arn"] for each in params.get("PolicyArns") or () if each.get("arn")),
        tags={tag["Key"]: tag["Value"] for tag in params.get("Tags") or ()},
        transitive=tuple(params.get("TransitiveTagKeys") or ()),
        external_id=params.get("ExternalId"),
        source_identity=params.get("SourceIdentity"),
        source_ip=call.source_ip,
        region=call.region,
    )
