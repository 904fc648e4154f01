"""Objects: put, deleted, copied, tagged."""

from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from stoker.objects import checksums
from stoker.objects.bucket import Bucket
from stoker.objects.buckets import Buckets
from stoker.objects.changes import Deleted
from stoker.objects.conditions import ReadConditions, WriteConditions, check_source
from stoker.objects.errors import InvalidArgument, InvalidRequest, MalformedXML, MissingContentLength, S3Error
from stoker.objects.intake import Expectations
from stoker.objects.objects import NewObject, Objects
from stoker.objects.tags import check_tags
from stoker.objects.version import Attributes, ObjectVersion
from stoker.services.s3.list_operations import SMALL_PAGE
from stoker.services.s3.words import (
    ENCRYPTION,
    REDIRECT,
    Members,
    actor_of,
    attributes_of,
    bucket_of,
    check_owner,
    checksum_members,
    expectations_of,
    key_of,
    refuse_unbuilt,
    storage_class_of,
    tags_of_header,
    version_member,
)
from stoker.wire.message import Call, Result

MAX_DELETES = 1000


class ObjectOperations:
    def __init__(self, buckets: Buckets, objects: Objects) -> None:
        self._buckets = buckets
        self._objects = objects

    async def put_object(self, call: Call) -> Members:
        if call.params["Body"].length is None:
            raise MissingContentLength()
        return await self._put(call, expectations_of(call.params), event="ObjectCreated:Put", reason="PutObject")

    async def put_object_as_form(self, call: Call, least: int, most: int) -> Members:
        """PutObject by a browser's form, for a file of at least and at most so many bytes."""
        expected = replace(expectations_of(call.params), least=least, limit=most)
        return await self._put(call, expected, event="ObjectCreated:Post", reason="PostObject")

    async def _put(self, call: Call, expected: Expectations, *, event: str, reason: str) -> Members:
        params = call.params
        bucket, key = bucket_of(call, self._buckets), key_of(call)
        refuse_unbuilt(params)
        if not expected.checksums and not expected.wanted:
            expected = replace(expected, wanted=frozenset({checksums.DEFAULT}))
        new = NewObject(
            bucket=bucket,
            key=key,
            attributes=attributes_of(params),
            actor=actor_of(call),
            conditions=write_conditions(params),
            event=event,
            reason=reason,
        )
        version = await self._objects.put(new, params["Body"], expected)
        return {
            "ETag": version.quoted_etag,
            "ServerSideEncryption": ENCRYPTION,
            **checksum_members(version.attributes.checksum),
            **version_member(self._buckets.require(bucket.name), version),
        }

    async def delete_object(self, call: Call) -> Members:
        params = call.params
        refuse_unbuilt(params)
        bucket = bucket_of(call, self._buckets)
        deleted = await self._objects.delete(
            bucket, key_of(call), params.get("VersionId"), actor_of(call), _delete_conditions(params)
        )
        return _deletion(bucket, deleted, asked_for=params.get("VersionId"))

    async def delete_objects(self, call: Call) -> Result:
        params = call.params
        refuse_unbuilt(params)
        bucket, asked = bucket_of(call, self._buckets), params["Delete"]["Objects"]
        if not 0 < len(asked) <= MAX_DELETES:
            raise MalformedXML()
        wanted = [(each["Key"], each.get("VersionId") or None, _named_conditions(each)) for each in asked]
        results = await self._objects.delete_several(bucket, wanted, actor_of(call))
        deleted, errors = [], []
        for (key, version_id, _), result in zip(wanted, results, strict=True):
            if isinstance(result, S3Error):
                errors.append({"Key": key, "VersionId": version_id, "Code": result.code, "Message": result.message})
            else:
                deleted.append(_entry(bucket, key, version_id, result))
        quiet = params["Delete"].get("Quiet", False)
        members = {"Deleted": [] if quiet else deleted, "Errors": errors}
        return Result(members=members, is_large=len(asked) > SMALL_PAGE)

    async def copy_object(self, call: Call) -> Members:
        params = call.params
        bucket, key = bucket_of(call, self._buckets), key_of(call)
        refuse_unbuilt(params)
        source_bucket, source = await copy_source(call, self._buckets, self._objects)
        attributes = _copied_attributes(params, source.attributes)
        in_place = (source_bucket.id, source.key) == (bucket.id, key) and "versionId=" not in params["CopySource"]
        if in_place and not _changes_something(params, attributes, source.attributes):
            raise InvalidRequest(
                "This copy request is illegal because it is trying to copy an object to itself without changing the "
                "object's metadata, storage class, website redirect location or encryption attributes."
            )
        new = NewObject(
            bucket=bucket,
            key=key,
            attributes=attributes,
            actor=actor_of(call),
            conditions=write_conditions(params),
            event="ObjectCreated:Copy",
            reason="CopyObject",
        )
        version = await self._objects.copy(new, source, _algorithm(params))
        return {
            "CopyObjectResult": {
                "ETag": version.quoted_etag,
                "LastModified": version.modified,
                **checksum_members(version.attributes.checksum),
            },
            "ServerSideEncryption": ENCRYPTION,
            "CopySourceVersionId": version_member(source_bucket, source).get("VersionId"),
            **version_member(self._buckets.require(bucket.name), version),
        }

    async def get_object_tagging(self, call: Call) -> Members:
        bucket = bucket_of(call, self._buckets)
        version = await self._objects.find(bucket, key_of(call), call.params.get("VersionId"))
        tags = [{"Key": key, "Value": value} for key, value in sorted(version.attributes.tags.items())]
        return {"TagSet": tags, **version_member(bucket, version)}

    async def put_object_tagging(self, call: Call) -> Members:
        pairs = [(each["Key"], each["Value"]) for each in call.params["Tagging"]["TagSet"]]
        return await self._set_tags(call, check_tags(pairs))

    async def delete_object_tagging(self, call: Call) -> Members:
        return await self._set_tags(call, {})

    async def _set_tags(self, call: Call, tags: Any) -> Members:
        bucket = bucket_of(call, self._buckets)
        version = await self._objects.set_tags(bucket, key_of(call), call.params.get("VersionId"), tags, actor_of(call))
        return version_member(bucket, version)


async def copy_source(call: Call, buckets: Buckets, objects: Objects) -> tuple[Bucket, ObjectVersion]:
    """What is to be copied, if its conditions hold."""
    params = call.params
    name, key, version_id = parse_source(params["CopySource"])
    bucket = buckets.require(name)
    check_owner(call, "ExpectedSourceBucketOwner")
    source = await objects.find(bucket, key, version_id)
    check_source(
        source,
        ReadConditions(
            if_match=params.get("CopySourceIfMatch"),
            if_none_match=params.get("CopySourceIfNoneMatch"),
            if_modified_since=params.get("CopySourceIfModifiedSince"),
            if_unmodified_since=params.get("CopySourceIfUnmodifiedSince"),
        ),
    )
    return bucket, source


def write_conditions(params: dict[str, Any]) -> WriteConditions:
    return WriteConditions(if_match=params.get("IfMatch"), if_none_match=params.get("IfNoneMatch"))


def parse_source(text: str) -> tuple[str, str, str | None]:
    """Bucket, key and version id of a copy's source: `bucket/key`, maybe `?versionId=…`, encoded."""
    path, _, query = text.partition("?versionId=")
    bucket, _, key = unquote(path).removeprefix("/").partition("/")
    if not bucket or not key:
        raise InvalidArgument(
            "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
            ArgumentName="x-amz-copy-source",
            ArgumentValue=text,
        )
    return bucket, key, query or None


def _delete_conditions(params: dict[str, Any]) -> WriteConditions:
    return WriteConditions(
        if_match=params.get("IfMatch"), size=params.get("IfMatchSize"), modified=params.get("IfMatchLastModifiedTime")
    )


def _named_conditions(named: dict[str, Any]) -> WriteConditions:
    return WriteConditions(if_match=named.get("ETag"), size=named.get("Size"), modified=named.get("LastModifiedTime"))


def _algorithm(params: dict[str, Any]) -> str | None:
    algorithm: str | None = params.get("ChecksumAlgorithm")
    return algorithm


def _changes_something(params: dict[str, Any], attributes: Attributes, source: Attributes) -> bool:
    """Whether a copy of an object to itself has a purpose."""
    return (
        params.get("MetadataDirective") == "REPLACE"
        or params.get("TaggingDirective") == "REPLACE"
        or attributes.storage_class != source.storage_class
        or "ServerSideEncryption" in params
        or REDIRECT in params
        or _algorithm(params) is not None
    )


def _copied_attributes(params: dict[str, Any], source: Attributes) -> Attributes:
    """A copy's attributes: the source's where the directives say so."""
    for name in ("MetadataDirective", "TaggingDirective"):
        if params.get(name, "COPY") not in ("COPY", "REPLACE"):
            raise InvalidArgument(f"Unknown {name}.", ArgumentName=name, ArgumentValue=params[name])
    replaces = params.get("MetadataDirective") == "REPLACE"
    kept = attributes_of({**params, "Tagging": None}) if replaces else source
    tags = tags_of_header(params.get("Tagging")) if params.get("TaggingDirective") == "REPLACE" else source.tags
    headers = {name: value for name, value in kept.headers.items() if name != REDIRECT}
    if params.get(REDIRECT):
        headers[REDIRECT] = params[REDIRECT]
    return Attributes(headers=headers, metadata=kept.metadata, tags=tags, storage_class=storage_class_of(params))


def _deletion(bucket: Bucket, deleted: Deleted, asked_for: str | None) -> Members:
    if deleted.marker is not None:
        return {"DeleteMarker": True, "VersionId": deleted.marker.version_id}
    if asked_for is None:
        return {}
    was_marker = deleted.removed is not None and deleted.removed.is_marker
    return {"VersionId": asked_for, "DeleteMarker": True if was_marker else None}


def _entry(bucket: Bucket, key: str, version_id: str | None, deleted: Deleted) -> Members:
    if deleted.marker is not None:
        return {"Key": key, "DeleteMarker": True, "DeleteMarkerVersionId": deleted.marker.version_id}
    if deleted.removed is not None and deleted.removed.is_marker:
        made = deleted.removed.version_id
        return {"Key": key, "VersionId": version_id, "DeleteMarker": True, "DeleteMarkerVersionId": made}
    return {"Key": key, "VersionId": version_id}
