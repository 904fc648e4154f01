"""Lists of objects and versions."""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

from stoker.objects.buckets import Buckets
from stoker.objects.errors import InvalidArgument
from stoker.objects.listing import MAX_KEYS, Page
from stoker.objects.lists import Lists
from stoker.objects.page_tokens import parse_token, token
from stoker.objects.version import ObjectVersion
from stoker.services.s3.words import Members, bucket_of, owner_of
from stoker.wire.message import Call, Result

Encode = Callable[[str], str]
_MAX_INT = 2_147_483_647
# A page of more takes over a millisecond to write down.
SMALL_PAGE = 50


class ListOperations:
    def __init__(self, buckets: Buckets, lists: Lists) -> None:
        self._buckets = buckets
        self._lists = lists

    async def list_objects(self, call: Call) -> Result:
        params = call.params
        bucket, encode = bucket_of(call, self._buckets), encoder(params)
        limit, prefix, delimiter = page_size(params, "MaxKeys"), params.get("Prefix", ""), params.get("Delimiter", "")
        page = await self._lists.objects(
            bucket, prefix=prefix, delimiter=delimiter, marker=params.get("Marker"), limit=limit
        )
        last = last_name(page)
        owner = owner_of(call.account)
        members = {
            "Name": bucket.name,
            "Prefix": encode(prefix),
            "Marker": encode(params.get("Marker", "")),
            "NextMarker": encode(last) if last is not None and delimiter else None,
            "Delimiter": encode(delimiter) or None,
            "MaxKeys": limit,
            "IsTruncated": page.truncated,
            "EncodingType": params.get("EncodingType"),
            "Contents": [_content(each, encode, owner) for each in page.items],
            "CommonPrefixes": common_prefixes(page, encode),
        }
        return Result(members=members, is_large=len(page.items) > SMALL_PAGE)

    async def list_objects_v2(self, call: Call) -> Result:
        params = call.params
        bucket, encode = bucket_of(call, self._buckets), encoder(params)
        limit, prefix, delimiter = page_size(params, "MaxKeys"), params.get("Prefix", ""), params.get("Delimiter", "")
        given = params.get("ContinuationToken")
        if given == "":
            raise InvalidArgument("The continuation token provided is incorrect", ArgumentName="continuation-token")
        marker = parse_token(given) if given is not None else params.get("StartAfter")
        page = await self._lists.objects(bucket, prefix=prefix, delimiter=delimiter, marker=marker, limit=limit)
        last = last_name(page)
        owner = owner_of(call.account) if params.get("FetchOwner") else None
        members = {
            "Name": bucket.name,
            "Prefix": encode(prefix),
            "Delimiter": encode(delimiter) or None,
            "StartAfter": encode(params["StartAfter"]) if "StartAfter" in params else None,
            "ContinuationToken": given,
            "NextContinuationToken": token(last) if last is not None else None,
            "KeyCount": len(page.items) + len(page.prefixes),
            "MaxKeys": limit,
            "IsTruncated": page.truncated,
            "EncodingType": params.get("EncodingType"),
            "Contents": [_content(each, encode, owner) for each in page.items],
            "CommonPrefixes": common_prefixes(page, encode),
        }
        return Result(members=members, is_large=len(page.items) > SMALL_PAGE)

    async def list_object_versions(self, call: Call) -> Result:
        params = call.params
        bucket, encode = bucket_of(call, self._buckets), encoder(params)
        limit, prefix, delimiter = page_size(params, "MaxKeys"), params.get("Prefix", ""), params.get("Delimiter", "")
        marker, version_marker = params.get("KeyMarker"), params.get("VersionIdMarker")
        if version_marker and not marker:
            raise InvalidArgument(
                "A version-id marker cannot be specified without a key marker.", ArgumentName="version-id-marker"
            )
        page = await self._lists.versions(
            bucket, prefix=prefix, delimiter=delimiter, marker=marker, version_marker=version_marker, limit=limit
        )
        last = page.last
        shown = _versions(page.items, marker if version_marker else None, encode, owner_of(call.account))
        members = {
            "Name": bucket.name,
            "Prefix": encode(prefix),
            "Delimiter": encode(delimiter) or None,
            "KeyMarker": encode(marker or ""),
            "VersionIdMarker": version_marker or "",
            "NextKeyMarker": None if last is None else encode(last if isinstance(last, str) else last.key),
            "NextVersionIdMarker": last.version_id if isinstance(last, ObjectVersion) else None,
            "MaxKeys": limit,
            "IsTruncated": page.truncated,
            "EncodingType": params.get("EncodingType"),
            "Versions": [each for version, each in shown if not version.is_marker],
            "DeleteMarkers": [each for version, each in shown if version.is_marker],
            "CommonPrefixes": common_prefixes(page, encode),
        }
        return Result(members=members, is_large=len(page.items) > SMALL_PAGE)


def encoder(params: dict[str, Any]) -> Encode:
    """How keys are written: as they are, or so that XML can carry each of them."""
    kind = params.get("EncodingType")
    if kind not in (None, "url"):
        raise InvalidArgument(
            "Invalid Encoding Method specified in Request", ArgumentName="encoding-type", ArgumentValue=kind
        )
    return str if kind is None else lambda text: quote(text, safe="/-_.*~")


def page_size(params: dict[str, Any], member: str) -> int:
    limit: int = params.get(member, MAX_KEYS)
    if not 0 <= limit <= _MAX_INT:
        argument = {"MaxKeys": "max-keys", "MaxUploads": "max-uploads", "MaxParts": "max-parts"}[member]
        raise InvalidArgument(
            f"Argument {argument} must be an integer between 0 and {_MAX_INT}",
            ArgumentName=argument,
            ArgumentValue=limit,
        )
    return min(limit, MAX_KEYS)


def last_name(page: Page[ObjectVersion]) -> str | None:
    """Behind what the next page begins."""
    return page.last.key if isinstance(page.last, ObjectVersion) else page.last


def common_prefixes(page: Page[Any], encode: Encode) -> Sequence[Members]:
    return [{"Prefix": encode(prefix)} for prefix in page.prefixes]


def _content(version: ObjectVersion, encode: Encode, owner: Members | None) -> Members:
    checksum = version.attributes.checksum
    return {
        "Key": encode(version.key),
        "LastModified": version.modified,
        "ETag": version.quoted_etag,
        "ChecksumAlgorithm": None if checksum is None else [checksum.algorithm],
        "ChecksumType": None if checksum is None else checksum.kind,
        "Size": version.size,
        "StorageClass": version.attributes.storage_class,
        "Owner": owner,
    }


def _versions(
    versions: Sequence[ObjectVersion], begun: str | None, encode: Encode, owner: Members
) -> Sequence[tuple[ObjectVersion, Members]]:
    """`begun` is a key whose newest version was on the page before."""
    shown, previous = [], begun
    for version in versions:
        members = {**_content(version, encode, owner), "VersionId": version.version_id}
        members["IsLatest"] = version.key != previous
        previous = version.key
        if version.is_marker:
            kept = ("Key", "VersionId", "IsLatest", "LastModified", "Owner")
            members = {name: members[name] for name in kept}
        shown.append((version, members))
    return shown
