"""Buckets themselves: made, listed, looked at, deleted."""

from typing import Any

from stoker.model.errors import NotBuiltError
from stoker.objects.buckets import TAGGING, Buckets
from stoker.objects.errors import (
    BucketAlreadyOwnedByYou,
    IllegalLocationConstraintException,
    InvalidArgument,
    InvalidLocationConstraint,
)
from stoker.objects.page_tokens import parse_token, token
from stoker.objects.tags import MAX_BUCKET_TAGS, check_tags
from stoker.services.s3.words import Members, bucket_of, owner_of, refuse_unbuilt
from stoker.wire.message import Call

# The region that S3 began in: its endpoint takes every location, and has no name as one.
FIRST_REGION = "us-east-1"
_OLD_NAMES = {"EU": "eu-west-1"}
_UNBUILT = ("Location", "Bucket")


class BucketOperations:
    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets

    async def create_bucket(self, call: Call) -> Members:
        params = call.params
        refuse_unbuilt(params)
        if params.get("ObjectLockEnabledForBucket"):
            raise NotBuiltError("Object lock (parameter ObjectLockEnabledForBucket) is not there yet in Stoker.")
        if params.get("ObjectOwnership", "BucketOwnerEnforced") != "BucketOwnerEnforced":
            raise NotBuiltError("Access control lists (parameter ObjectOwnership) are not there yet in Stoker.")
        name = params["Bucket"]
        configuration = params.get("CreateBucketConfiguration") or {}
        for member in _UNBUILT:
            if member in configuration:
                raise NotBuiltError("Directory buckets are not there yet in Stoker.")
        region = _region(call, configuration.get("LocationConstraint"))
        pairs = [(each["Key"], each["Value"]) for each in configuration.get("Tags") or ()]
        tags = check_tags(pairs, MAX_BUCKET_TAGS)
        try:
            bucket = await self._buckets.create(name, region, {TAGGING: tags} if tags else {})
        except BucketAlreadyOwnedByYou:
            # Where S3 began, making a bucket again always was no error.
            bucket = self._buckets.require(name)
            if not region == bucket.region == call.region == FIRST_REGION:
                raise
        location = f"/{name}" if bucket.region == FIRST_REGION else f"http://{name}.s3.amazonaws.com/"
        return {"Location": location, "BucketArn": bucket.arn}

    async def delete_bucket(self, call: Call) -> Members:
        await self._buckets.delete(bucket_of(call, self._buckets))
        return {}

    async def head_bucket(self, call: Call) -> Members:
        bucket = bucket_of(call, self._buckets)
        return {"BucketRegion": bucket.region, "BucketArn": bucket.arn, "AccessPointAlias": False}

    async def get_bucket_location(self, call: Call) -> Members:
        bucket = bucket_of(call, self._buckets, any_region=True)
        return {"LocationConstraint": None if bucket.region == FIRST_REGION else bucket.region}

    async def list_buckets(self, call: Call) -> Members:
        params = call.params
        prefix, region = params.get("Prefix", ""), params.get("BucketRegion")
        after = parse_token(params["ContinuationToken"]) if params.get("ContinuationToken") else ""
        found = [
            bucket
            for bucket in self._buckets.all()
            if bucket.name > after and bucket.name.startswith(prefix) and region in (None, bucket.region)
        ]
        limit = params.get("MaxBuckets", len(found))
        if limit < 0:
            raise InvalidArgument(ArgumentName="max-buckets", ArgumentValue=limit)
        page = found[:limit]
        return {
            "Buckets": [
                {
                    "Name": bucket.name,
                    "CreationDate": bucket.created,
                    "BucketRegion": bucket.region,
                    "BucketArn": bucket.arn,
                }
                for bucket in page
            ],
            "Owner": owner_of(call.account),
            "ContinuationToken": token(page[-1].name) if page and len(found) > len(page) else None,
            "Prefix": params.get("Prefix"),
        }


def _region(call: Call, constraint: str | None) -> str:
    """The new bucket's region. Raises what AWS does for one that the asked endpoint does not serve."""
    region = _OLD_NAMES.get(constraint or "", constraint) or FIRST_REGION
    if constraint is not None and (constraint == FIRST_REGION or not _is_region(region)):
        raise InvalidLocationConstraint(LocationConstraint=constraint)
    if call.region == FIRST_REGION or call.region == region:
        return region
    if constraint is None:
        raise IllegalLocationConstraintException()
    raise IllegalLocationConstraintException(
        f"The {constraint} location constraint is incompatible for the region specific endpoint this request was sent "
        "to."
    )


def _is_region(text: Any) -> bool:
    parts = str(text).split("-")
    return len(parts) >= 3 and parts[-1].isdigit() and all(part.isalnum() for part in parts)
