"""Functions as APIs call them: as API Gateway for one of its routes, or as a role that the integration names."""

import re
from typing import Protocol

from msgspec import Struct

SERVICE = "apigateway.amazonaws.com"
_INVOCATION_URI = re.compile(
    r"arn:aws[a-z-]*:apigateway:[a-z0-9-]+:lambda:path/2015-03-31/functions/(?P<arn>.+)/invocations"
)
_FUNCTION_ARN = re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9_$-]+)?")


class FunctionCall(Struct, frozen=True, kw_only=True):
    """`arn` is a function's, with or without a qualifier; `source_arn` the route's (arn:aws:execute-api:…).

    Without a `role_arn` the function's own policy has to let API Gateway in.
    """

    arn: str
    payload: bytes
    source_arn: str
    region: str
    role_arn: str | None = None
    trace_id: str | None = None


class FunctionAnswer(Struct, frozen=True, kw_only=True):
    """`failed`: the function raised, ran out of time or died, and the payload says how."""

    payload: bytes
    failed: bool


class Functions(Protocol):
    """Whoever calls functions."""

    async def invoke(self, call: FunctionCall) -> FunctionAnswer:
        """Raises AccessDeniedException where it may not, and what the invoker raises: there is no such function, it is
        throttled, …
        """

    async def invoke_later(self, call: FunctionCall) -> None:
        """An asynchronous invocation: durable when this returns. Raises as `invoke` does."""


def function_arn(uri: str) -> str | None:
    """The function that an integration's or authorizer's URI names: by its ARN or API Gateway's of its invocations."""
    found = _INVOCATION_URI.fullmatch(uri)
    arn = found["arn"] if found is not None else uri
    return arn if _FUNCTION_ARN.fullmatch(arn) is not None or "${" in arn else None
