"""Objects: looked at and read."""

import re
from typing import Any

from stoker.objects.bucket import Bucket
from stoker.objects.buckets import Buckets
from stoker.objects.conditions import ReadConditions, is_unmodified, parse_range
from stoker.objects.errors import AccessDenied, InvalidArgument, InvalidPartNumber, InvalidRequest, NoSuchKey
from stoker.objects.lifecycle_rules import expiration_header
from stoker.objects.objects import Objects
from stoker.objects.uploads import MAX_PARTS
from stoker.objects.version import DEFAULT_TYPE, STANDARD, ObjectVersion
from stoker.services.s3.caller_rights import CallerRights
from stoker.services.s3.words import (
    ENCRYPTION,
    Members,
    bucket_of,
    checksum_members,
    key_of,
    refuse_unbuilt,
    version_member,
)
from stoker.wire import timestamps
from stoker.wire.message import Call, Result

_OVERRIDES = ("ContentType", "ContentLanguage", "CacheControl", "ContentDisposition", "ContentEncoding")
_ATTRIBUTES = frozenset({"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"})
_PAGE_PARTS = 1000
_NO_HEADER = re.compile("[^\t\x20-\x7e\xa0-\xff]")


class ReadOperations:
    def __init__(self, buckets: Buckets, objects: Objects, rights: CallerRights) -> None:
        self._buckets = buckets
        self._objects = objects
        self._rights = rights

    async def get_object(self, call: Call) -> Result:
        version, result, start, length = await self._answer(call)
        if result.status == 304:
            return result
        body = await self._objects.read(version, start, length)
        return Result(members={**result.members, "Body": body}, status=result.status)

    async def head_object(self, call: Call) -> Result:
        _, result, _, _ = await self._answer(call)
        return result

    async def get_object_attributes(self, call: Call) -> Members:
        params = call.params
        refuse_unbuilt(params)
        bucket = bucket_of(call, self._buckets)
        asked = set(params["ObjectAttributes"])
        if not asked <= _ATTRIBUTES:
            raise InvalidArgument("Invalid attribute name specified.", ArgumentName="x-amz-object-attributes")
        version = await self._objects.find(bucket, key_of(call), params.get("VersionId"))
        checksum = version.attributes.checksum
        found = {
            "ETag": version.etag,
            "Checksum": checksum_members(checksum) or None,
            "ObjectParts": await self._parts(version, params) if "ObjectParts" in asked else None,
            "StorageClass": version.attributes.storage_class,
            "ObjectSize": version.size,
        }
        return {
            "LastModified": version.modified,
            **version_member(bucket, version),
            **{name: value for name, value in found.items() if name in asked},
        }

    async def _parts(self, version: ObjectVersion, params: dict[str, Any]) -> Members | None:
        count = version.attributes.parts
        if count is None:
            return None
        after, limit = int(params.get("PartNumberMarker") or 0), min(params.get("MaxParts", _PAGE_PARTS), _PAGE_PARTS)
        checksum = version.attributes.checksum
        composite = checksum is not None and checksum.kind == "COMPOSITE"
        if not composite or checksum is None:
            # AWS names the parts only where each has a checksum of its own that counts.
            return {"TotalPartsCount": count}
        found = await self._objects.parts(version, after, limit + 1)
        page = found[:limit]
        return {
            "TotalPartsCount": count,
            "PartNumberMarker": after,
            "NextPartNumberMarker": page[-1].number if page else after,
            "MaxParts": limit,
            "IsTruncated": len(found) > limit,
            "Parts": [
                {"PartNumber": part.number, "Size": part.size, checksum.member: part.checksums[checksum.algorithm]}
                for part in page
            ],
        }

    async def _answer(self, call: Call) -> tuple[ObjectVersion, Result, int, int]:
        """The version, all of the answer but its body, and which bytes are asked for."""
        params = call.params
        refuse_unbuilt(params)
        bucket = bucket_of(call, self._buckets)
        version = await self._find(call, bucket)
        conditions = ReadConditions(
            if_match=params.get("IfMatch"),
            if_none_match=params.get("IfNoneMatch"),
            if_modified_since=params.get("IfModifiedSince"),
            if_unmodified_since=params.get("IfUnmodifiedSince"),
        )
        if is_unmodified(version, conditions):
            short = {"ETag": version.quoted_etag, "LastModified": version.modified, **version_member(bucket, version)}
            return version, Result(members=short, status=304), 0, 0
        members = _members(bucket, version, params)
        span = await self._span(version, params, members)
        if span is None:
            if params.get("ChecksumMode") == "ENABLED":
                members |= checksum_members(version.attributes.checksum)
            return version, Result(members={**members, "ContentLength": version.size}), 0, version.size
        start, length = span
        members["ContentLength"] = length
        members["ContentRange"] = f"bytes {start}-{start + length - 1}/{version.size}"
        return version, Result(members=members, status=206), start, length

    async def _find(self, call: Call, bucket: Bucket) -> ObjectVersion:
        """The version that is asked for. Who may not list the bucket is not told that there is none."""
        try:
            return await self._objects.find(bucket, key_of(call), call.params.get("VersionId"))
        except NoSuchKey:
            if await self._rights.may(call, "s3:ListBucket", bucket.arn):
                raise
            raise AccessDenied() from None

    async def _span(
        self, version: ObjectVersion, params: dict[str, Any], members: dict[str, Any]
    ) -> tuple[int, int] | None:
        number = params.get("PartNumber")
        if number is None:
            return parse_range(params.get("Range"), version.size)
        if params.get("Range") is not None:
            raise InvalidRequest("Cannot specify both Range header and partNumber query parameter")
        if not 1 <= number <= MAX_PARTS:
            raise InvalidArgument(
                f"Part number must be an integer between 1 and {MAX_PARTS}, inclusive",
                ArgumentName="partNumber",
                ArgumentValue=number,
            )
        if version.attributes.parts is None:
            if number > 1:
                raise InvalidPartNumber(PartNumberRequested=number, ActualPartCount=1)
            return (0, version.size) if version.size else None
        members["PartsCount"] = version.attributes.parts
        found = await self._objects.parts(version, number - 1, 1)
        if not found or found[0].number != number or found[0].start is None:
            raise InvalidPartNumber(PartNumberRequested=number, ActualPartCount=version.attributes.parts)
        return found[0].start, found[0].size


def _members(bucket: Bucket, version: ObjectVersion, params: dict[str, Any]) -> dict[str, Any]:
    attributes = version.attributes
    members: dict[str, Any] = {
        "AcceptRanges": "bytes",
        "LastModified": version.modified,
        "ETag": version.quoted_etag,
        "ContentType": DEFAULT_TYPE,
        **{name: value for name, value in attributes.headers.items() if name != "Expires"},
        "Metadata": attributes.metadata,
        "ServerSideEncryption": ENCRYPTION,
        "TagCount": len(attributes.tags) or None,
        "StorageClass": None if attributes.storage_class == STANDARD else attributes.storage_class,
        "Expiration": expiration_header(bucket, version),
        **version_member(bucket, version),
    }
    if "Expires" in attributes.headers:
        members["Expires"] = timestamps.read(attributes.headers["Expires"])
    for name in _OVERRIDES:
        if f"Response{name}" in params:
            members[name] = _header_value(params[f"Response{name}"])
    if "ResponseExpires" in params:
        members["Expires"] = params["ResponseExpires"]
    return members


def _header_value(text: str) -> str:
    """What a caller wants in a header of the answer, which not all text can be."""
    if _NO_HEADER.search(text):
        raise InvalidArgument("Header value cannot be represented using ISO-8859-1.", ArgumentValue=text)
    return text
