"""The S3 Control API: buckets' tags, which Terraform and Pulumi read and write by it.

Source: "Tagging S3 general purpose buckets" in the S3 user guide.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stoker.model.access import Access, AccessTable, Where
from stoker.model.errors import NotBuiltError
from stoker.objects.bucket import Bucket
from stoker.objects.buckets import TAGGING, Buckets
from stoker.objects.errors import NoSuchResource
from stoker.objects.tags import MAX_BUCKET_TAGS, check_tags
from stoker.wire.message import Call
from stoker.wire.operations import Method, operations_of

_BUCKET_ARN = "arn:aws:s3:::"


def _named(params: Mapping[str, Any], _where: Where) -> Sequence[str]:
    return [str(params.get("ResourceArn", ""))]


ACCESS: AccessTable = {
    operation: Access(action=f"s3:{operation}", resources=_named)
    for operation in ("ListTagsForResource", "TagResource", "UntagResource")
}


class S3ControlService:
    """Tags of buckets. `resource_policy` gives a bucket's policy by its ARN."""

    name = "s3control"
    access: AccessTable = ACCESS

    def __init__(self, buckets: Buckets, resource_policy: Callable[[str], str | None]) -> None:
        self._buckets = buckets
        self.resource_policy = resource_policy
        self.operations: Mapping[str, Method] = operations_of(self)

    def __repr__(self) -> str:
        return f"<S3ControlService {self._buckets!r}>"

    async def list_tags_for_resource(self, call: Call) -> Mapping[str, Any]:
        tags = self._bucket(call).settings.get(TAGGING) or {}
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    async def tag_resource(self, call: Call) -> Mapping[str, Any]:
        bucket = self._bucket(call)
        added = check_tags([(each["Key"], each["Value"]) for each in call.params["Tags"]], MAX_BUCKET_TAGS)

        def add(tags: Mapping[str, str]) -> Mapping[str, str]:
            return check_tags({**tags, **added}.items(), MAX_BUCKET_TAGS)

        await self._buckets.change_tags(bucket, add)
        return {}

    async def untag_resource(self, call: Call) -> Mapping[str, Any]:
        gone = frozenset(call.params["TagKeys"])
        await self._buckets.change_tags(
            self._bucket(call), lambda tags: {key: value for key, value in tags.items() if key not in gone}
        )
        return {}

    def _bucket(self, call: Call) -> Bucket:
        arn: str = call.params["ResourceArn"]
        name = arn.removeprefix(_BUCKET_ARN)
        if name == arn:
            raise NotBuiltError(f"Tags of {arn} are not there yet in Stoker: buckets have such.")
        bucket = self._buckets.find(name)
        if bucket is None or call.params["AccountId"] != call.account or bucket.region != call.region:
            raise NoSuchResource()
        return bucket
