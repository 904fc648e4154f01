"""Who may call an API, as far as policies say: asked of IAM, which `serve` hands in."""

from collections.abc import Callable
from typing import Protocol

from stoker.model.principal import Principal

INVOKE, MANAGE_CONNECTIONS = "execute-api:Invoke", "execute-api:ManageConnections"
Allows = Callable[[str], bool]
"""Whether a policy lets its holder invoke an ARN."""


class Permissions(Protocol):
    """What APIs ask of IAM. ARNs are of the form `arn:aws:execute-api:region:account:api/stage/METHOD/path`."""

    def may_invoke(self, principal: Principal, arn: str, *, region: str, source_ip: str, tls: bool) -> bool:
        """Whether the caller's own policies let it."""

    def policy(self, document: object, *, region: str, source_ip: str) -> Allows:
        """A policy that an authorizer answered, as JSON's values. Raises ValueError if it is none."""


def route_arn(region: str, account: str, api_id: str, stage: str, rest: str) -> str:
    """The ARN of what is called: `rest` is `GET/pets/1`, or `$connect`."""
    return f"arn:aws:execute-api:{region}:{account}:{api_id}/{stage}/{rest}"
