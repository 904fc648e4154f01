"""The credentials that functions run with: sessions of their roles."""

from collections.abc import Awaitable, Callable

from stoker.environments.variables import Credentials as FunctionCredentials
from stoker.identity.execution_roles import ExecutionRoles
from stoker.model.arn import FunctionId
from stoker.model.clock import Clock
from stoker.model.function import FunctionVersion
from stoker.wire.credentials import Credentials
from stoker.wire.session_tokens import Grant, id_of_unknown_role

# Longer than an environment may live (6 h, see environments), so that no function sees its credentials end.
ROLE_SESSION_S = 12 * 3600.0


def minter(
    roles: ExecutionRoles, keys: Credentials, clock: Clock
) -> Callable[[FunctionVersion], Awaitable[FunctionCredentials]]:
    """Makes the credentials of a new environment."""

    async def mint(function: FunctionVersion) -> FunctionCredentials:
        identity = FunctionId(account=function.account, region=function.region, name=function.name)
        role = roles.find(function.role, identity)
        # A function whose role is gone, or no longer Lambda's to assume, runs on, and nothing knows its credentials.
        role_id = role.id if role is not None else id_of_unknown_role(function.role)
        grant = Grant(issuer_arn=function.role, issuer_id=role_id, name=function.name)
        session = keys.grant(grant, ROLE_SESSION_S, now=clock.time())
        return FunctionCredentials(
            access_key_id=session.access_key,
            secret_access_key=session.secret_key,
            session_token=session.session_token,
        )

    return mint
