"""Uploads in parts."""

from typing import Any

from stoker.objects import checksums
from stoker.objects.bucket import Bucket
from stoker.objects.buckets import Buckets
from stoker.objects.conditions import parse_range
from stoker.objects.errors import InvalidArgument, InvalidRequest, MalformedXML, MissingContentLength, NoSuchUpload
from stoker.objects.objects import Objects
from stoker.objects.uploads import MAX_PARTS, Completion, NamedPart, Uploads
from stoker.objects.version import ObjectVersion, Part, Upload
from stoker.services.s3.list_operations import common_prefixes, encoder, page_size
from stoker.services.s3.object_operations import copy_source, write_conditions
from stoker.services.s3.words import (
    ENCRYPTION,
    Members,
    actor_of,
    attributes_of,
    bucket_of,
    checksum_members,
    expectations_of,
    key_of,
    owner_of,
    refuse_unbuilt,
    version_member,
)
from stoker.wire.message import Call


class MultipartOperations:
    def __init__(self, buckets: Buckets, objects: Objects, uploads: Uploads) -> None:
        self._buckets = buckets
        self._objects = objects
        self._uploads = uploads

    async def create_multipart_upload(self, call: Call) -> Members:
        params = call.params
        bucket, key = bucket_of(call, self._buckets), key_of(call)
        refuse_unbuilt(params)
        algorithm, kind = params.get("ChecksumAlgorithm"), params.get("ChecksumType")
        if kind is not None and algorithm is None:
            raise InvalidRequest(
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header."
            )
        upload = await self._uploads.begin(bucket, key, attributes_of(params), algorithm, kind)
        return {
            "Bucket": bucket.name,
            "Key": key,
            "UploadId": upload.id,
            "ServerSideEncryption": ENCRYPTION,
            "ChecksumAlgorithm": algorithm,
            "ChecksumType": upload.kind if algorithm is not None else None,
        }

    async def upload_part(self, call: Call) -> Members:
        params = call.params
        bucket, number = bucket_of(call, self._buckets), _part_number(params)
        refuse_unbuilt(params)
        upload = await self._uploads.find(bucket, key_of(call), params["UploadId"])
        body, expected = params["Body"], expectations_of(params)
        if body.length is None:
            raise MissingContentLength()
        part = await self._uploads.put_part(upload, number, body, expected)
        shown = {upload.algorithm} if upload.asked else {*expected.checksums, *expected.wanted}
        return {
            "ETag": f'"{part.etag}"',
            "ServerSideEncryption": ENCRYPTION,
            **{f"Checksum{each}": part.checksums[each] for each in sorted(shown)[:1]},
        }

    async def upload_part_copy(self, call: Call) -> Members:
        params = call.params
        bucket, number = bucket_of(call, self._buckets), _part_number(params)
        refuse_unbuilt(params)
        upload = await self._uploads.find(bucket, key_of(call), params["UploadId"])
        source_bucket, source = await copy_source(call, self._buckets, self._objects)
        start, length = _source_range(params.get("CopySourceRange"), source)
        part = await self._uploads.copy_part(upload, number, source, start, length)
        return {
            "CopyPartResult": {
                "ETag": f'"{part.etag}"',
                "LastModified": part.modified,
                **({f"Checksum{upload.algorithm}": part.checksums[upload.algorithm]} if upload.asked else {}),
            },
            "ServerSideEncryption": ENCRYPTION,
            "CopySourceVersionId": version_member(source_bucket, source).get("VersionId"),
        }

    async def complete_multipart_upload(self, call: Call) -> Members:
        bucket, key = bucket_of(call, self._buckets), key_of(call)
        version = await self._complete(call, bucket, key)
        return {
            "Location": f"http://{bucket.name}.s3.{bucket.region}.amazonaws.com/{key}",
            "Bucket": bucket.name,
            "Key": key,
            "ETag": version.quoted_etag,
            "ServerSideEncryption": ENCRYPTION,
            **checksum_members(version.attributes.checksum),
            **version_member(self._buckets.require(bucket.name), version),
        }

    async def _complete(self, call: Call, bucket: Bucket, key: str) -> ObjectVersion:
        params = call.params
        refuse_unbuilt(params)
        try:
            upload = await self._uploads.find(bucket, key, params["UploadId"])
        except NoSuchUpload:
            done = await self._uploads.completed(bucket, key, params["UploadId"])
            if done is None:
                raise
            return done
        parts = (params.get("MultipartUpload") or {}).get("Parts") or []
        if not parts or len(parts) > MAX_PARTS:
            raise MalformedXML()
        asked = Completion(
            parts=[_named(each) for each in parts],
            actor=actor_of(call),
            conditions=write_conditions(params),
            size=params.get("MpuObjectSize"),
            checksum=params.get(f"Checksum{upload.algorithm}"),
            kind=params.get("ChecksumType"),
        )
        return await self._uploads.complete(bucket, upload, asked)

    async def abort_multipart_upload(self, call: Call) -> Members:
        await self._uploads.abort(bucket_of(call, self._buckets), key_of(call), call.params["UploadId"])
        return {}

    async def list_parts(self, call: Call) -> Members:
        params = call.params
        bucket = bucket_of(call, self._buckets)
        limit, after = page_size(params, "MaxParts"), params.get("PartNumberMarker") or 0
        upload = await self._uploads.find(bucket, key_of(call), params["UploadId"])
        found = await self._uploads.parts(upload, after, limit + 1)
        page = found[:limit]
        return {
            "Bucket": bucket.name,
            "Key": upload.key,
            "UploadId": upload.id,
            "PartNumberMarker": after,
            "NextPartNumberMarker": page[-1].number if page else 0,
            "MaxParts": limit,
            "IsTruncated": len(found) > limit,
            "Parts": [_part(part, upload) for part in page],
            "Initiator": owner_of(call.account),
            "Owner": owner_of(call.account),
            "StorageClass": upload.attributes.storage_class,
            "ChecksumAlgorithm": upload.algorithm if upload.asked else None,
            "ChecksumType": upload.kind if upload.asked else None,
        }

    async def list_multipart_uploads(self, call: Call) -> Members:
        params = call.params
        bucket, encode = bucket_of(call, self._buckets), encoder(params)
        limit, prefix, delimiter = (
            page_size(params, "MaxUploads"),
            params.get("Prefix", ""),
            params.get("Delimiter", ""),
        )
        marker, id_marker = params.get("KeyMarker"), params.get("UploadIdMarker")
        page = await self._uploads.list(
            bucket,
            prefix=prefix,
            delimiter=delimiter,
            marker=marker,
            id_marker=id_marker if marker else None,
            limit=limit,
        )
        last = page.last
        return {
            "Bucket": bucket.name,
            "KeyMarker": encode(marker or ""),
            "UploadIdMarker": id_marker or "",
            "NextKeyMarker": "" if last is None else encode(last if isinstance(last, str) else last.key),
            "NextUploadIdMarker": last.id if isinstance(last, Upload) else "",
            "Prefix": encode(prefix),
            "Delimiter": encode(delimiter) or None,
            "MaxUploads": limit,
            "IsTruncated": page.truncated,
            "EncodingType": params.get("EncodingType"),
            "Uploads": [
                {
                    "UploadId": upload.id,
                    "Key": encode(upload.key),
                    "Initiated": upload.initiated,
                    "StorageClass": upload.attributes.storage_class,
                    "Owner": owner_of(call.account),
                    "Initiator": owner_of(call.account),
                    "ChecksumAlgorithm": upload.algorithm if upload.asked else None,
                    "ChecksumType": upload.kind if upload.asked else None,
                }
                for upload in page.items
            ],
            "CommonPrefixes": common_prefixes(page, encode),
        }


def _part_number(params: dict[str, Any]) -> int:
    number: int = params["PartNumber"]
    if not 1 <= number <= MAX_PARTS:
        raise InvalidArgument(
            f"Part number must be an integer between 1 and {MAX_PARTS}, inclusive",
            ArgumentName="partNumber",
            ArgumentValue=number,
        )
    return number


def _source_range(text: str | None, source: ObjectVersion) -> tuple[int, int]:
    if text is None:
        return 0, source.size
    span = parse_range(text, source.size)
    first, _, last = text.removeprefix("bytes=").partition("-")
    if span is None or not first or not last or int(last) >= source.size:
        raise InvalidArgument(
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the "
            "zero-based offsets of the first and last bytes to copy",
            ArgumentName="x-amz-copy-source-range",
            ArgumentValue=text,
        )
    return span


def _named(part: dict[str, Any]) -> NamedPart:
    if "PartNumber" not in part or "ETag" not in part:
        raise MalformedXML()
    return NamedPart(
        number=part["PartNumber"],
        etag=part["ETag"],
        checksums={each: part[f"Checksum{each}"] for each in checksums.SIZES if f"Checksum{each}" in part},
    )


def _part(part: Part, upload: Upload) -> Members:
    shown = {f"Checksum{upload.algorithm}": part.checksums[upload.algorithm]} if upload.asked else {}
    return {
        "PartNumber": part.number,
        "LastModified": part.modified,
        "ETag": f'"{part.etag}"',
        "Size": part.size,
        **shown,
    }
