# ruff: noqa: N818 - the classes are called what AWS calls the errors.
"""The caller's faults that the wire itself finds, with AWS's words."""

from stoker.model.errors import ServiceError


class AuthenticationError(ServiceError):
    """The request could not be authenticated.

    403 in every protocol, whatever a model says of a shape with the same name.
    """

    status = 403


class MissingAuthenticationTokenException(AuthenticationError):
    """Missing Authentication Token"""

    code = "MissingAuthenticationTokenException"


class IncompleteSignatureException(AuthenticationError):
    """The request signature does not conform to AWS standards."""

    code = "IncompleteSignatureException"


class InvalidSignatureException(AuthenticationError):
    """The request signature we calculated does not match the signature you provided. \
Check your AWS Secret Access Key and signing method. Consult the service documentation for details."""

    code = "InvalidSignatureException"


class SignatureExpiredException(InvalidSignatureException):
    """Signature expired"""

    xml_code = "RequestTimeTooSkewed"


class PresignedExpiredException(InvalidSignatureException):
    """Request has expired"""

    xml_code = "AccessDenied"


class UnsignedHeadersError(InvalidSignatureException):
    """There were headers present in the request which were not signed"""

    xml_code = "AccessDenied"


class UnrecognizedClientException(AuthenticationError):
    """The security token included in the request is invalid."""

    code = "UnrecognizedClientException"


class ExpiredTokenException(AuthenticationError):
    """The security token included in the request is expired"""

    code = "ExpiredTokenException"


class MissingContentHashError(AuthenticationError):
    """Missing required header for this request: x-amz-content-sha256"""

    code = "InvalidRequest"
    status = 400


class MalformedContentHashError(AuthenticationError):
    """x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, \
STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value."""

    code = "InvalidArgument"
    status = 400


class SerializationException(ServiceError):
    """The request body is not what its operation takes."""

    code = "SerializationException"
    status = 400


class UnknownOperationException(ServiceError):
    """The requested operation is not recognized by the service."""

    code = "UnknownOperationException"
    status = 404


class RequestEntityTooLargeException(ServiceError):
    """The request is larger than the operation takes."""

    code = "RequestEntityTooLargeException"
    status = 413


class InvalidRequestContentException(ServiceError):
    """Could not parse request body into json."""

    code = "InvalidRequestContentException"
    status = 400


class InternalFailure(ServiceError):
    """An error occurred and the request cannot be processed."""

    code = "InternalFailure"
    status = 500
