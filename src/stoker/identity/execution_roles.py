"""The roles that functions run as: each has to be there, and Lambda has to be trusted to assume it."""

import contextlib
from datetime import UTC, datetime

from stoker.identity import trust
from stoker.identity.directory import Directory
from stoker.identity.entities import Role
from stoker.identity.errors import MalformedPolicyDocumentError
from stoker.model.arn import FunctionId
from stoker.model.clock import Clock
from stoker.model.errors import AccessDeniedException, InvalidParameterValueException

LAMBDA = "lambda.amazonaws.com"


class ExecutionRoles:
    """Checks a role when a function is given it. Asked again for each environment's credentials."""

    def __init__(self, directory: Directory, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock

    def __repr__(self) -> str:
        return f"<ExecutionRoles {self._directory!r}>"

    def check(self, role_arn: str, function: FunctionId) -> None:
        """Raises what AWS answers for a role that Lambda cannot assume for this function."""
        if role_arn.split(":")[4] != self._directory.account:
            raise AccessDeniedException("Cross-account pass role is not allowed.")
        if self.find(role_arn, function) is None:
            raise InvalidParameterValueException("The role defined for the function cannot be assumed by Lambda.")

    def find(self, role_arn: str, function: FunctionId) -> Role | None:
        """The role, if it is there and Lambda may assume it for this function now."""
        role = self._directory.role(role_arn)
        now = self._clock.time()
        context = {
            "aws:currenttime": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "aws:epochtime": str(int(now)),
            "aws:principalisawsservice": "true",
            "aws:principalservicename": LAMBDA,
            "aws:sourceaccount": function.account,
            "aws:sourcearn": function.arn(),
            "aws:requestedregion": function.region,
        }
        # What an older release took and this one does not trusts nobody.
        with contextlib.suppress(MalformedPolicyDocumentError):
            if role and trust.trusts_service(role, LAMBDA, parse=self._directory.parse, context=context):
                return role
        return None
