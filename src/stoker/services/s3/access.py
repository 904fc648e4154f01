"""S3's operations in IAM's words. Source: "Actions, resources, and condition keys for Amazon S3"."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote

from stoker.model.access import Access, AccessTable, Context, Where

_ARN = "arn:aws:s3:::"


def _bucket(params: Mapping[str, Any], _where: Where) -> Sequence[str]:
    return [f"{_ARN}{params.get('Bucket', '')}"]


def _object(params: Mapping[str, Any], _where: Where) -> Sequence[str]:
    return [f"{_ARN}{params.get('Bucket', '')}/{params.get('Key', '')}"]


def _objects(versioned: bool) -> Callable[[Mapping[str, Any], Where], Sequence[str]]:
    """The objects that DeleteObjects names with a version, or without."""

    def named(params: Mapping[str, Any], _where: Where) -> Sequence[str]:
        asked = (params.get("Delete") or {}).get("Objects") or ()
        keys = [each.get("Key", "") for each in asked if bool(each.get("VersionId")) is versioned]
        return [f"{_ARN}{params.get('Bucket', '')}/{key}" for key in keys]

    return named


def _source(versioned: bool) -> Callable[[Mapping[str, Any], Where], Sequence[str]]:
    """The source of a copy, if it names a version, or if it names none."""

    def named(params: Mapping[str, Any], _where: Where) -> Sequence[str]:
        path, version, _ = str(params.get("CopySource", "")).partition("?versionId=")
        return [_ARN + unquote(path).removeprefix("/")] if bool(version) is versioned else []

    return named


def _where_tagged(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    return _object(params, where) if params.get("Tagging") else []


def _list_context(params: Mapping[str, Any]) -> Context:
    keys = {"s3:prefix": "Prefix", "s3:delimiter": "Delimiter", "s3:max-keys": "MaxKeys"}
    return {key: str(params[member]) for key, member in keys.items() if member in params}


def _put_context(params: Mapping[str, Any]) -> Context:
    keys = {
        "s3:x-amz-acl": "ACL",
        "s3:x-amz-copy-source": "CopySource",
        "s3:x-amz-metadata-directive": "MetadataDirective",
        "s3:x-amz-server-side-encryption": "ServerSideEncryption",
        "s3:x-amz-storage-class": "StorageClass",
        "s3:if-match": "IfMatch",
        "s3:if-none-match": "IfNoneMatch",
    }
    return {**{key: str(params[member]) for key, member in keys.items() if member in params}, **_tag_context(params)}


def _tag_context(params: Mapping[str, Any]) -> Context:
    """The tags that an object is to have: in a header as a query, or in a body as a set."""
    tagging = params.get("Tagging") or ""
    if isinstance(tagging, str):
        tags = dict(parse_qsl(tagging, keep_blank_values=True))
    else:
        tags = {str(tag.get("Key", "")): str(tag.get("Value", "")) for tag in tagging.get("TagSet") or ()}
    if not tags:
        return {}
    return {"s3:RequestObjectTagKeys": list(tags), **{f"s3:RequestObjectTag/{key}": tags[key] for key in tags}}


def _version_context(params: Mapping[str, Any]) -> Context:
    version = {"s3:VersionId": params["VersionId"]} if params.get("VersionId") else {}
    return {**version, **_tag_context(params)}


def _of_bucket(action: str) -> Access:
    return Access(action=f"s3:{action}", resources=_bucket)


def _by_version(action: str, versioned: str) -> Access:
    """Two actions for one operation: which of them counts is told by the version that is named, or not."""
    older = Access(action=f"s3:{versioned}", resources=_object, context=_version_context)
    return Access(
        action=f"s3:{action}",
        resources=_object,
        context=_version_context,
        instead=lambda params: older if params.get("VersionId") else None,
    )


def _attributes(params: Mapping[str, Any]) -> Access | None:
    return _ATTRIBUTES_OF_VERSION if params.get("VersionId") else None


def _deletes(params: Mapping[str, Any]) -> Access | None:
    """Where every object is named with a version."""
    asked = (params.get("Delete") or {}).get("Objects") or ()
    return _DELETE_VERSIONS if asked and all(each.get("VersionId") for each in asked) else None


_DELETE_VERSIONS = Access(action="s3:DeleteObjectVersion", resources=_objects(True))
_ATTRIBUTES_OF_VERSION = Access(
    action="s3:GetObjectVersion",
    resources=_object,
    context=_version_context,
    also=[Access(action="s3:GetObjectVersionAttributes", resources=_object, context=_version_context)],
)
_PUT_TAGS = Access(action="s3:PutObjectTagging", resources=_where_tagged, context=_tag_context)
_PUT = Access(action="s3:PutObject", resources=_object, context=_put_context, also=[_PUT_TAGS])
_PUT_PART = Access(action="s3:PutObject", resources=_object)
_FROM_SOURCE = [
    Access(action="s3:GetObject", resources=_source(False)),
    Access(action="s3:GetObjectVersion", resources=_source(True)),
]
_LIST = Access(action="s3:ListBucket", resources=_bucket, context=_list_context)
_GET = _by_version("GetObject", "GetObjectVersion")

ACCESS: AccessTable = {
    "AbortMultipartUpload": Access(action="s3:AbortMultipartUpload", resources=_object),
    "CompleteMultipartUpload": _PUT_PART,
    "CopyObject": Access(
        action="s3:PutObject", resources=_object, context=_put_context, also=[*_FROM_SOURCE, _PUT_TAGS]
    ),
    "CreateBucket": _of_bucket("CreateBucket"),
    "CreateMultipartUpload": _PUT,
    "DeleteBucket": _of_bucket("DeleteBucket"),
    "DeleteBucketCors": _of_bucket("PutBucketCORS"),
    "DeleteBucketEncryption": _of_bucket("PutEncryptionConfiguration"),
    "DeleteBucketLifecycle": _of_bucket("PutLifecycleConfiguration"),
    "DeleteBucketOwnershipControls": _of_bucket("PutBucketOwnershipControls"),
    "DeleteBucketPolicy": _of_bucket("DeleteBucketPolicy"),
    "DeleteBucketReplication": _of_bucket("PutReplicationConfiguration"),
    "DeleteBucketTagging": _of_bucket("PutBucketTagging"),
    "DeleteBucketWebsite": _of_bucket("DeleteBucketWebsite"),
    "DeleteObject": _by_version("DeleteObject", "DeleteObjectVersion"),
    "DeleteObjectTagging": _by_version("DeleteObjectTagging", "DeleteObjectVersionTagging"),
    "DeleteObjects": Access(
        action="s3:DeleteObject", resources=_objects(False), also=[_DELETE_VERSIONS], instead=_deletes
    ),
    "DeletePublicAccessBlock": _of_bucket("PutBucketPublicAccessBlock"),
    "GetBucketAbac": _of_bucket("GetBucketAbac"),
    "GetBucketAccelerateConfiguration": _of_bucket("GetAccelerateConfiguration"),
    "GetBucketAcl": _of_bucket("GetBucketAcl"),
    "GetBucketAnalyticsConfiguration": _of_bucket("GetAnalyticsConfiguration"),
    "GetBucketCors": _of_bucket("GetBucketCORS"),
    "GetBucketEncryption": _of_bucket("GetEncryptionConfiguration"),
    "GetBucketIntelligentTieringConfiguration": _of_bucket("GetIntelligentTieringConfiguration"),
    "GetBucketInventoryConfiguration": _of_bucket("GetInventoryConfiguration"),
    "GetBucketLifecycleConfiguration": _of_bucket("GetLifecycleConfiguration"),
    "GetBucketLocation": _of_bucket("GetBucketLocation"),
    "GetBucketLogging": _of_bucket("GetBucketLogging"),
    "GetBucketMetricsConfiguration": _of_bucket("GetMetricsConfiguration"),
    "GetBucketNotificationConfiguration": _of_bucket("GetBucketNotification"),
    "GetBucketOwnershipControls": _of_bucket("GetBucketOwnershipControls"),
    "GetBucketPolicy": _of_bucket("GetBucketPolicy"),
    "GetBucketPolicyStatus": _of_bucket("GetBucketPolicyStatus"),
    "GetBucketReplication": _of_bucket("GetReplicationConfiguration"),
    "GetBucketRequestPayment": _of_bucket("GetBucketRequestPayment"),
    "GetBucketTagging": _of_bucket("GetBucketTagging"),
    "GetBucketVersioning": _of_bucket("GetBucketVersioning"),
    "GetBucketWebsite": _of_bucket("GetBucketWebsite"),
    "GetObject": _GET,
    "GetObjectAcl": _by_version("GetObjectAcl", "GetObjectVersionAcl"),
    "GetObjectAttributes": Access(
        action="s3:GetObject",
        resources=_object,
        also=[Access(action="s3:GetObjectAttributes", resources=_object)],
        instead=_attributes,
    ),
    "GetObjectLegalHold": Access(action="s3:GetObjectLegalHold", resources=_object),
    "GetObjectLockConfiguration": _of_bucket("GetBucketObjectLockConfiguration"),
    "GetObjectRetention": Access(action="s3:GetObjectRetention", resources=_object),
    "GetObjectTagging": _by_version("GetObjectTagging", "GetObjectVersionTagging"),
    "GetPublicAccessBlock": _of_bucket("GetBucketPublicAccessBlock"),
    "HeadBucket": _LIST,
    "HeadObject": _GET,
    "ListBucketAnalyticsConfigurations": _of_bucket("GetAnalyticsConfiguration"),
    "ListBucketIntelligentTieringConfigurations": _of_bucket("GetIntelligentTieringConfiguration"),
    "ListBucketInventoryConfigurations": _of_bucket("GetInventoryConfiguration"),
    "ListBucketMetricsConfigurations": _of_bucket("GetMetricsConfiguration"),
    "ListBuckets": Access(action="s3:ListAllMyBuckets"),
    "ListMultipartUploads": _of_bucket("ListBucketMultipartUploads"),
    "ListObjectVersions": Access(action="s3:ListBucketVersions", resources=_bucket, context=_list_context),
    "ListObjects": _LIST,
    "ListObjectsV2": _LIST,
    "ListParts": Access(action="s3:ListMultipartUploadParts", resources=_object),
    "PutBucketAccelerateConfiguration": _of_bucket("PutAccelerateConfiguration"),
    "PutBucketAcl": _of_bucket("PutBucketAcl"),
    "PutBucketCors": _of_bucket("PutBucketCORS"),
    "PutBucketEncryption": _of_bucket("PutEncryptionConfiguration"),
    "PutBucketLifecycleConfiguration": _of_bucket("PutLifecycleConfiguration"),
    "PutBucketLogging": _of_bucket("PutBucketLogging"),
    "PutBucketNotificationConfiguration": _of_bucket("PutBucketNotification"),
    "PutBucketOwnershipControls": _of_bucket("PutBucketOwnershipControls"),
    "PutBucketPolicy": _of_bucket("PutBucketPolicy"),
    "PutBucketRequestPayment": _of_bucket("PutBucketRequestPayment"),
    "PutBucketTagging": _of_bucket("PutBucketTagging"),
    "PutBucketVersioning": _of_bucket("PutBucketVersioning"),
    "PutBucketWebsite": _of_bucket("PutBucketWebsite"),
    "PutObject": _PUT,
    "PutObjectAcl": _by_version("PutObjectAcl", "PutObjectVersionAcl"),
    "PutObjectTagging": _by_version("PutObjectTagging", "PutObjectVersionTagging"),
    "PutPublicAccessBlock": _of_bucket("PutBucketPublicAccessBlock"),
    "UploadPart": _PUT_PART,
    "UploadPartCopy": Access(action="s3:PutObject", resources=_object, also=_FROM_SOURCE),
}


def bucket_in(arn: str) -> str:
    """The bucket of a bucket's or object's ARN."""
    return arn.removeprefix(_ARN).partition("/")[0]
