"""What S3's operations share: who acts, which bucket, and an object's attributes in the API's words and back."""

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from stoker.model.errors import NotBuiltError
from stoker.objects import checksums
from stoker.objects.bucket import Bucket
from stoker.objects.buckets import Buckets
from stoker.objects.checksums import Checksum
from stoker.objects.errors import (
    AccessControlListNotSupported,
    AccessDenied,
    AuthorizationHeaderMalformed,
    InvalidArgument,
    InvalidEncryptionAlgorithm,
    InvalidRedirectLocation,
    InvalidRequest,
    InvalidStorageClass,
    KeyTooLongError,
    MetadataTooLarge,
)
from stoker.objects.intake import Expectations
from stoker.objects.tags import check_tags
from stoker.objects.version import MAX_KEY_BYTES, STANDARD, Actor, Attributes, ObjectVersion
from stoker.wire import timestamps
from stoker.wire.message import Call

Members = Mapping[str, Any]
ENCRYPTION = "AES256"
MAX_METADATA_BYTES = 2048
_AWS_CHUNKED = "aws-chunked"
# Where an object leads that is read at a website's host; a copy does not have it.
REDIRECT = "WebsiteRedirectLocation"
# Members that travel as headers and come back as they were sent.
_HEADERS = ("ContentType", "CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", REDIRECT)
# Objects of these are at hand, as those of STANDARD are.
_STORAGE_CLASSES = frozenset(
    {STANDARD, "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR"}
)
_UNBUILT_CLASSES = frozenset({"GLACIER", "DEEP_ARCHIVE"})
_OWNERS_ACLS = frozenset({"private", "bucket-owner-full-control"})
_UNBUILT: Mapping[str, str] = {
    "SSECustomerAlgorithm": "Encryption with keys of the customer's",
    "CopySourceSSECustomerAlgorithm": "Encryption with keys of the customer's",
    "SSEKMSKeyId": "Encryption with KMS keys",
    "SSEKMSEncryptionContext": "Encryption with KMS keys",
    "BucketKeyEnabled": "Encryption with KMS keys",
    "ObjectLockMode": "Object lock",
    "ObjectLockRetainUntilDate": "Object lock",
    "ObjectLockLegalHoldStatus": "Object lock",
    "ObjectLockEventHold": "Object lock",
    "BypassGovernanceRetention": "Object lock",
    "WriteOffsetBytes": "Appending to objects",
    "MFA": "MFA delete",
}


def actor_of(call: Call) -> Actor:
    return Actor(
        principal_id=f"AWS:{call.principal.user_id}",
        source_ip=call.source_ip,
        request_id=call.request_id,
        trace_id=call.trace_id,
    )


def owner_of(account: str) -> Members:
    """The canonical user that an account is, in S3's words."""
    return {"ID": hashlib.sha256(f"canonical user of {account}".encode()).hexdigest()}


def bucket_of(call: Call, buckets: Buckets, *, any_region: bool = False) -> Bucket:
    """The bucket that is asked for, which has to be in the region that signed. Raises what AWS does."""
    bucket = buckets.require(call.params["Bucket"])
    check_owner(call, "ExpectedBucketOwner")
    if bucket.region != call.region and not any_region:
        raise AuthorizationHeaderMalformed(
            f"The authorization header is malformed; the region '{call.region}' is wrong; expecting '{bucket.region}'",
            headers={"x-amz-bucket-region": bucket.region},
            Region=bucket.region,
        )
    return bucket


def check_owner(call: Call, member: str) -> None:
    if call.params.get(member, call.account) != call.account:
        raise AccessDenied()


def key_of(call: Call) -> str:
    key: str = call.params["Key"]
    if len(key.encode()) > MAX_KEY_BYTES:
        raise KeyTooLongError(Size=len(key.encode()), MaxSizeAllowed=MAX_KEY_BYTES)
    return key


def refuse_unbuilt(params: Mapping[str, Any]) -> None:
    """Raise for the first parameter that nothing here would obey."""
    for name, what in _UNBUILT.items():
        if params.get(name) not in (None, False):
            raise NotBuiltError(f"{what} (parameter {name}) are not there yet in Stoker.")
    if params.get("ServerSideEncryption", ENCRYPTION) != ENCRYPTION:
        if str(params["ServerSideEncryption"]).startswith("aws:kms"):
            raise NotBuiltError("Encryption with KMS keys (parameter ServerSideEncryption) is not there yet in Stoker.")
        raise InvalidEncryptionAlgorithm()
    grants = [name for name in params if name.startswith("Grant") and params[name]]
    if grants or params.get("ACL", "private") not in _OWNERS_ACLS:
        raise AccessControlListNotSupported()


def storage_class_of(params: Mapping[str, Any]) -> str:
    name: str = params.get("StorageClass", STANDARD)
    if name in _UNBUILT_CLASSES:
        raise NotBuiltError(f"Archived objects (storage class {name}) are not there yet in Stoker.")
    if name not in _STORAGE_CLASSES:
        raise InvalidStorageClass(StorageClassRequested=name)
    return name


def attributes_of(params: Mapping[str, Any]) -> Attributes:
    """What a new object carries, from the parameters of PutObject and its like."""
    headers = {name: params[name] for name in _HEADERS if params.get(name)}
    if not headers.get(REDIRECT, "/").startswith(("/", "http://", "https://")):
        raise InvalidRedirectLocation()
    encodings = [each.strip() for each in headers.pop("ContentEncoding", "").split(",")]
    if kept := ",".join(each for each in encodings if each and each != _AWS_CHUNKED):
        headers["ContentEncoding"] = kept
    if params.get("Expires") is not None:
        headers["Expires"] = timestamps.rfc822(params["Expires"])
    metadata = params.get("Metadata") or {}
    size = sum(len(name) + len(value.encode("latin-1", "replace")) for name, value in metadata.items())
    if size > MAX_METADATA_BYTES:
        raise MetadataTooLarge(Size=size, MaxSizeAllowed=MAX_METADATA_BYTES)
    return Attributes(
        headers=headers,
        metadata=metadata,
        tags=tags_of_header(params.get("Tagging")),
        storage_class=storage_class_of(params),
    )


def tags_of_header(text: str | None) -> Mapping[str, str]:
    """Tags as PutObject sends them: like a query string."""
    try:
        pairs = parse_qsl(text or "", keep_blank_values=True, strict_parsing=bool(text), max_num_fields=100)
    except ValueError as error:
        raise InvalidArgument(
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag "
            "name duplicates.",
            ArgumentName="x-amz-tagging",
            ArgumentValue=text,
        ) from error
    return check_tags(pairs)


def expectations_of(params: Mapping[str, Any]) -> Expectations:
    """What a caller says of the data that he sends."""
    stated = {each: params[f"Checksum{each}"] for each in checksums.SIZES if params.get(f"Checksum{each}")}
    announced = [
        name.removeprefix(checksums.HEADER).upper()
        for name in params["Body"].announced
        if name.startswith(checksums.HEADER)
    ]
    named = params.get("ChecksumAlgorithm")
    wanted = {*announced, *([] if stated or announced or not named else [named])}
    if unknown := wanted - checksums.SIZES.keys():
        raise InvalidRequest(f"Checksum algorithm provided is unsupported: {', '.join(sorted(unknown))}")
    return Expectations(md5=params.get("ContentMD5"), checksums=stated, wanted=frozenset(wanted - stated.keys()))


def checksum_members(checksum: Checksum | None) -> Members:
    return {} if checksum is None else {checksum.member: checksum.value, "ChecksumType": checksum.kind}


def version_member(bucket: Bucket, version: ObjectVersion) -> Members:
    """The id of a version, where the bucket ever had versions."""
    return {"VersionId": version.version_id} if bucket.versioning else {}
