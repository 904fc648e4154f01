# ruff: noqa: N818 - the classes are called what AWS calls the errors.
"""EventBridge Scheduler's error shapes."""

from stoker.model.errors import ServiceError


class ConflictException(ServiceError):
    """Updating or deleting the resource can cause an inconsistent state."""

    code = "ConflictException"
    status = 409


class ServiceQuotaExceededException(ServiceError):
    """The request exceeds a service quota."""

    code = "ServiceQuotaExceededException"
    status = 402
