"""Who may call a method, as far as signatures and policies say: what `serve` hands in."""

from collections.abc import Callable
from enum import Enum
from typing import Any, Protocol

from stoker.apis.request import ApiRequest
from stoker.model.principal import Principal

ACTION = "execute-api:Invoke"


class Verdict(Enum):
    """What policies say: allowed, explicitly denied, or nothing."""

    ALLOWED = "allowed"
    DENIED = "denied"
    SILENT = "silent"


Decide = Callable[[str, ApiRequest], Verdict]
"""Whether a policy lets a request call the method with an ARN."""


class Access(Protocol):
    """Signatures and policies."""

    async def signer(self, request: ApiRequest, body: bytes) -> Principal:
        """Who signed a request for execute-api. Raises what a signature that does not hold raises, and
        MissingAuthenticationTokenException where there is none.
        """

    def of_signer(self, principal: Principal, policy: str | None, arn: str, request: ApiRequest) -> Verdict:
        """Whether the caller's policies or the API's let it call the method with this ARN."""

    def of_anybody(self, policy: str, arn: str, request: ApiRequest) -> Verdict:
        """Whether an API's policy lets somebody call who did not sign."""

    def policy(self, document: Any) -> Decide:
        """What a policy that an authorizer answered says. Raises ValueError for what is no policy."""
