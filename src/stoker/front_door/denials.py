"""How each service words that something is not allowed: the same facts, but not the same letters."""

from stoker.identity.evaluation import AccessRequest, Decision
from stoker.model.errors import AccessDeniedException

_QUOTES_RESOURCES = frozenset({"s3"})


class AuthorizationErrorException(AccessDeniedException):
    """User is not authorized to perform this action."""

    code = "AuthorizationError"


class BadRequestAccessDenied(AccessDeniedException):
    """You do not have sufficient access to perform this action."""

    status = 400


# DynamoDB's model does not list the error, but its guide says the status.
_ERRORS: dict[str, type[AccessDeniedException]] = {
    "sns": AuthorizationErrorException,
    "dynamodb": BadRequestAccessDenied,
    "dynamodbstreams": BadRequestAccessDenied,
}


def denial(service: str, decision: Decision, request: AccessRequest) -> AccessDeniedException:
    """The error that a called service answers with."""
    action = _written(service, request.action)
    resource = f'"{request.resource}"' if service in _QUOTES_RESOURCES else request.resource
    return _ERRORS.get(service, AccessDeniedException)(decision.refusal(request, action=action, resource=resource))


def _written(service: str, action: str) -> str:
    """SQS and SNS write actions their own way."""
    if service == "sqs":
        return action.lower()
    return f"SNS:{action.partition(':')[2]}" if service == "sns" else action
