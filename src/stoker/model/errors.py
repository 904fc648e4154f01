"""The caller's faults: AWS errors as exceptions. Ours are ordinary exceptions and become a 500 at the front door."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar


class ServiceError(Exception):
    """The request could not be served.

    `code` is the error shape's name on the wire, `status` the HTTP status, `members` the error shape's further
    members besides its message (`Type`, `Reason`, `retryAfterSeconds`, …). The class's docstring is its
    default message.
    """

    code: ClassVar[str] = "ServiceException"
    status: ClassVar[int] = 500
    query_code: ClassVar[str | None] = None
    """What the query protocol calls it, where an API that has gone to json keeps two names."""

    xml_code: ClassVar[str | None] = None
    """What S3 calls it, where that is another name."""
    headers: Mapping[str, str] = MappingProxyType({})
    """Further HTTP headers of the answer."""

    def __init__(self, message: str | None = None, /, **members: Any) -> None:
        self.message = message if message is not None else (type(self).__doc__ or "").strip()
        self.members: Mapping[str, Any] = members
        super().__init__(self.message)


class ValidationException(ServiceError):
    """1 validation error detected."""

    code = "ValidationException"
    status = 400


class NotBuiltError(ServiceError):
    """This operation is not there yet in Stoker."""

    code = "NotImplemented"
    status = 501


class ResourceNotFoundException(ServiceError):
    """The resource you requested does not exist."""

    code = "ResourceNotFoundException"
    status = 404


class ResourceConflictException(ServiceError):
    """The resource already exists, or another operation is in progress."""

    code = "ResourceConflictException"
    status = 409


class ResourceInUseException(ServiceError):
    """The operation conflicts with the resource's availability."""

    code = "ResourceInUseException"
    status = 400


class CodeSigningConfigNotFoundException(ServiceError):
    """The specified code signing configuration does not exist."""

    code = "CodeSigningConfigNotFoundException"
    status = 404


class InvalidParameterValueException(ServiceError):
    """One of the parameters in the request is not valid."""

    code = "InvalidParameterValueException"
    status = 400


class InvalidParameterException(ServiceError):
    """A parameter is specified incorrectly."""

    code = "InvalidParameterException"
    status = 400


class PreconditionFailedException(ServiceError):
    """The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id"""

    code = "PreconditionFailedException"
    status = 412


class RequestTooLargeException(ServiceError):
    """The request payload exceeded the Invoke request body JSON input quota."""

    code = "RequestTooLargeException"
    status = 413


class ProvisionedConcurrencyConfigNotFoundException(ServiceError):
    """No Provisioned Concurrency Config found for this function"""

    code = "ProvisionedConcurrencyConfigNotFoundException"
    status = 404


class TooManyRequestsException(ServiceError):
    """Rate Exceeded."""

    code = "TooManyRequestsException"
    status = 429


class AccessDeniedException(ServiceError):
    """You do not have sufficient access to perform this action."""

    code = "AccessDeniedException"
    status = 403


class RequestEntityTooLargeException(ServiceError):
    """The request entity is too large."""

    code = "RequestEntityTooLargeException"
    status = 413


class CodeStorageExceededException(ServiceError):
    """Code storage limit exceeded."""

    code = "CodeStorageExceededException"
    status = 400


class PolicyLengthExceededException(ServiceError):
    """The permissions policy for the resource is too large."""

    code = "PolicyLengthExceededException"
    status = 400


class InvalidRequestContentException(ServiceError):
    """The request body could not be parsed as JSON."""

    code = "InvalidRequestContentException"
    status = 400


class RecursiveInvocationException(ServiceError):
    """Lambda has detected your function being invoked in a recursive loop with other Amazon Web Services resources and stopped your function's invocation."""

    code = "RecursiveInvocationException"
    status = 400


class SnapStartException(ServiceError):
    """The afterRestore() runtime hook encountered an error. For more information, check the Amazon CloudWatch logs."""

    code = "SnapStartException"
    status = 400


class SnapStartTimeoutException(ServiceError):
    """Lambda couldn't restore the snapshot within the timeout limit."""

    code = "SnapStartTimeoutException"
    status = 408
