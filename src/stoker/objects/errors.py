# ruff: noqa: N818 - the classes are called what AWS calls the errors.
"""S3's errors. Source: "Error responses" in the API reference of Amazon S3."""

from collections.abc import Mapping
from typing import Any

from stoker.model.errors import ServiceError


class S3Error(ServiceError):
    """The caller's fault. `headers` are further headers of the answer."""

    status = 400

    def __init__(
        self, message: str | None = None, /, *, headers: Mapping[str, str] | None = None, **members: Any
    ) -> None:
        super().__init__(message, **members)
        if headers is not None:
            self.headers = headers


class AccessControlListNotSupported(S3Error):
    """The bucket does not allow ACLs"""

    code = "AccessControlListNotSupported"


class AccessDenied(S3Error):
    """Access Denied"""

    code = "AccessDenied"
    status = 403


class AuthorizationHeaderMalformed(S3Error):
    """The authorization header that you provided is not valid."""

    code = "AuthorizationHeaderMalformed"


class BadDigest(S3Error):
    """The Content-MD5 you specified did not match what we received."""

    code = "BadDigest"


class BadRequest(S3Error):
    """Bad Request"""

    code = "BadRequest"


class BucketAlreadyOwnedByYou(S3Error):
    """Your previous request to create the named bucket succeeded and you already own it."""

    code = "BucketAlreadyOwnedByYou"
    status = 409


class BucketNotEmpty(S3Error):
    """The bucket you tried to delete is not empty"""

    code = "BucketNotEmpty"
    status = 409


class EntityTooLarge(S3Error):
    """Your proposed upload exceeds the maximum allowed size"""

    code = "EntityTooLarge"


class EntityTooSmall(S3Error):
    """Your proposed upload is smaller than the minimum allowed size"""

    code = "EntityTooSmall"


class IllegalLocationConstraintException(S3Error):
    """The unspecified location constraint is incompatible for the region specific endpoint this request was sent to."""

    code = "IllegalLocationConstraintException"


class IncompleteBody(S3Error):
    """You did not provide the number of bytes specified by the Content-Length HTTP header"""

    code = "IncompleteBody"


class InvalidArgument(S3Error):
    """Invalid Argument"""

    code = "InvalidArgument"


class InvalidBucketName(S3Error):
    """The specified bucket is not valid."""

    code = "InvalidBucketName"


class InvalidBucketState(S3Error):
    """The request is not valid with the current state of the bucket."""

    code = "InvalidBucketState"
    status = 409


class InvalidDigest(S3Error):
    """The Content-MD5 you specified was invalid."""

    code = "InvalidDigest"


class InvalidEncryptionAlgorithm(S3Error):
    """The encryption request that you specified is not valid. Supported value: AES256."""

    code = "InvalidEncryptionAlgorithmError"


class InvalidLocationConstraint(S3Error):
    """The specified location-constraint is not valid"""

    code = "InvalidLocationConstraint"


class InvalidPart(S3Error):
    """One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified \
entity tag may not match the part's entity tag."""

    code = "InvalidPart"


class InvalidPartNumber(S3Error):
    """The requested partnumber is not satisfiable"""

    code = "InvalidPartNumber"
    status = 416


class InvalidPartOrder(S3Error):
    """The list of parts was not in ascending order. Parts must be ordered by part number."""

    code = "InvalidPartOrder"


class InvalidPolicyDocument(S3Error):
    """The content of the form does not meet the conditions specified in the policy document."""

    code = "InvalidPolicyDocument"


class InvalidRange(S3Error):
    """The requested range is not satisfiable"""

    code = "InvalidRange"
    status = 416


class InvalidRequest(S3Error):
    """Invalid Request"""

    code = "InvalidRequest"


class InvalidStorageClass(S3Error):
    """The storage class you specified is not valid"""

    code = "InvalidStorageClass"


class InvalidTag(S3Error):
    """The tag provided was not a valid tag."""

    code = "InvalidTag"


class KeyTooLongError(S3Error):
    """Your key is too long"""

    code = "KeyTooLongError"


class MalformedPolicy(S3Error):
    """This policy contains invalid Json"""

    code = "MalformedPolicy"


class MalformedTrailerError(S3Error):
    """The request contained trailing data that was not well-formed or did not conform to our published schema."""

    code = "MalformedTrailerError"


class MalformedXML(S3Error):
    """The XML you provided was not well-formed or did not validate against our published schema"""

    code = "MalformedXML"


class MetadataTooLarge(S3Error):
    """Your metadata headers exceed the maximum allowed metadata size"""

    code = "MetadataTooLarge"


class MethodNotAllowed(S3Error):
    """The specified method is not allowed against this resource."""

    code = "MethodNotAllowed"
    status = 405


class MissingContentLength(S3Error):
    """You must provide the Content-Length HTTP header."""

    code = "MissingContentLength"
    status = 411


class NoSuchBucket(S3Error):
    """The specified bucket does not exist"""

    code = "NoSuchBucket"
    status = 404


class NoSuchBucketPolicy(S3Error):
    """The bucket policy does not exist"""

    code = "NoSuchBucketPolicy"
    status = 404


class NoSuchCORSConfiguration(S3Error):
    """The CORS configuration does not exist"""

    code = "NoSuchCORSConfiguration"
    status = 404


class NoSuchKey(S3Error):
    """The specified key does not exist."""

    code = "NoSuchKey"
    status = 404


class NoSuchLifecycleConfiguration(S3Error):
    """The lifecycle configuration does not exist"""

    code = "NoSuchLifecycleConfiguration"
    status = 404


class NoSuchPublicAccessBlockConfiguration(S3Error):
    """The public access block configuration was not found"""

    code = "NoSuchPublicAccessBlockConfiguration"
    status = 404


class NoSuchConfiguration(S3Error):
    """The specified configuration does not exist."""

    code = "NoSuchConfiguration"
    status = 404


class NoSuchResource(S3Error):
    """The specified resource doesn't exist."""

    code = "NoSuchResource"
    status = 404


class NoSuchTagSet(S3Error):
    """The TagSet does not exist"""

    code = "NoSuchTagSet"
    status = 404


class NoSuchUpload(S3Error):
    """The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or \
completed."""

    code = "NoSuchUpload"
    status = 404


class NoSuchVersion(S3Error):
    """The specified version does not exist."""

    code = "NoSuchVersion"
    status = 404


class NoSuchWebsiteConfiguration(S3Error):
    """The specified bucket does not have a website configuration"""

    code = "NoSuchWebsiteConfiguration"
    status = 404


class InvalidRedirectLocation(S3Error):
    """The website redirect location must have a prefix of 'http://' or 'https://' or '/'."""

    code = "InvalidRedirectLocation"


class ObjectLockConfigurationNotFoundError(S3Error):
    """Object Lock configuration does not exist for this bucket"""

    code = "ObjectLockConfigurationNotFoundError"
    status = 404


class OwnershipControlsNotFoundError(S3Error):
    """The bucket ownership controls were not found"""

    code = "OwnershipControlsNotFoundError"
    status = 404


class PermanentRedirect(S3Error):
    """The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future \
requests to this endpoint."""

    code = "PermanentRedirect"
    status = 301


class PreconditionFailed(S3Error):
    """At least one of the pre-conditions you specified did not hold"""

    code = "PreconditionFailed"
    status = 412


class ReplicationConfigurationNotFoundError(S3Error):
    """The replication configuration was not found"""

    code = "ReplicationConfigurationNotFoundError"
    status = 404


class TooManyBuckets(S3Error):
    """You have attempted to create more buckets than allowed"""

    code = "TooManyBuckets"


class AccessForbidden(S3Error):
    """CORSResponse: This CORS request is not allowed. This is usually because the evaluation of Origin, request \
method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS \
spec."""

    code = "AccessForbidden"
    status = 403
