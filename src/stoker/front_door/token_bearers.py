"""Who comes to STS without signing: with a token that another has given him, to get credentials with which he can sign.

Source: "AssumeRoleWithWebIdentity" and "AssumeRoleWithSAML" in the STS API Reference.
"""

import contextlib

from stoker.model.principal import Principal
from stoker.wire.api import Operation, ServiceApi
from stoker.wire.errors import MissingAuthenticationTokenException, UnknownOperationException
from stoker.wire.message import Request

SERVICE = "sts"
# Where nobody signs for a region: STS's own.
REGION = "us-east-1"
_OPERATIONS = frozenset({"AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"})
_FORM = "application/x-www-form-urlencoded"


def comes_with_form(request: Request) -> bool:
    """Whether a request is an unsigned form at the root, as all of STS's are."""
    signed = "authorization" in request.headers or "X-Amz-" in request.query or "AWSAccessKeyId=" in request.query
    form = request.headers.get("content-type", "").startswith(_FORM)
    return form and not signed and request.method == "POST" and request.path == "/"


def operation_of(api: ServiceApi, request: Request) -> Operation:
    """The operation that a form with its body asks for; raises MissingAuthenticationTokenException for any that has
    to be signed.
    """
    with contextlib.suppress(UnknownOperationException):
        operation = api.operation(request)
        if operation.name in _OPERATIONS:
            return operation
    raise MissingAuthenticationTokenException()


def bearer(account: str) -> Principal:
    """The caller, of whom nothing is known before his token has been looked at."""
    return Principal(account=account, arn=f"arn:aws:sts::{account}:web-identity", user_id="", access_key="")
