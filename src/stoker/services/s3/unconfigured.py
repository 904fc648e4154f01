"""What no bucket here has. Terraform and the like read it back of each, and want to hear so in AWS's words; what says
no more than what is so anyway may be put.
"""

from stoker.model.errors import NotBuiltError
from stoker.objects.bucket import Bucket
from stoker.objects.buckets import Buckets
from stoker.objects.errors import (
    InvalidRequest,
    NoSuchConfiguration,
    ObjectLockConfigurationNotFoundError,
    ReplicationConfigurationNotFoundError,
)
from stoker.objects.objects import Objects
from stoker.services.s3.words import Members, bucket_of, key_of
from stoker.wire.message import Call, Result

_NO_LOCK = "Bucket is missing Object Lock Configuration"


class Unconfigured:
    def __init__(self, buckets: Buckets, objects: Objects) -> None:
        self._buckets = buckets
        self._objects = objects

    def _bucket(self, call: Call) -> Bucket:
        return bucket_of(call, self._buckets)

    async def get_bucket_accelerate_configuration(self, call: Call) -> Members:
        self._bucket(call)
        return {}

    async def put_bucket_accelerate_configuration(self, call: Call) -> Members:
        self._bucket(call)
        if call.params["AccelerateConfiguration"].get("Status") != "Suspended":
            raise NotBuiltError("Transfer acceleration is not there yet in Stoker.")
        return {}

    async def get_bucket_logging(self, call: Call) -> Members:
        self._bucket(call)
        return {}

    async def put_bucket_logging(self, call: Call) -> Members:
        self._bucket(call)
        if call.params["BucketLoggingStatus"].get("LoggingEnabled"):
            raise NotBuiltError("Access logs of buckets are not there yet in Stoker.")
        return {}

    async def get_bucket_request_payment(self, call: Call) -> Members:
        self._bucket(call)
        return {"Payer": "BucketOwner"}

    async def put_bucket_request_payment(self, call: Call) -> Members:
        self._bucket(call)
        if call.params["RequestPaymentConfiguration"]["Payer"] != "BucketOwner":
            raise NotBuiltError("Payment by requesters is not there yet in Stoker.")
        return {}

    async def get_bucket_replication(self, call: Call) -> Members:
        raise ReplicationConfigurationNotFoundError(BucketName=self._bucket(call).name)

    async def delete_bucket_replication(self, call: Call) -> Result:
        self._bucket(call)
        return Result(members={}, status=204)

    async def get_bucket_abac(self, call: Call) -> Members:
        self._bucket(call)
        return {"AbacStatus": {"Status": "Disabled"}}

    async def list_bucket_analytics_configurations(self, call: Call) -> Members:
        return self._none(call)

    async def list_bucket_intelligent_tiering_configurations(self, call: Call) -> Members:
        return self._none(call)

    async def list_bucket_inventory_configurations(self, call: Call) -> Members:
        return self._none(call)

    async def list_bucket_metrics_configurations(self, call: Call) -> Members:
        return self._none(call)

    def _none(self, call: Call) -> Members:
        self._bucket(call)
        return {"IsTruncated": False}

    async def get_bucket_analytics_configuration(self, call: Call) -> Members:
        return self._missing(call)

    async def get_bucket_intelligent_tiering_configuration(self, call: Call) -> Members:
        return self._missing(call)

    async def get_bucket_inventory_configuration(self, call: Call) -> Members:
        return self._missing(call)

    async def get_bucket_metrics_configuration(self, call: Call) -> Members:
        return self._missing(call)

    def _missing(self, call: Call) -> Members:
        self._bucket(call)
        raise NoSuchConfiguration()

    async def get_object_lock_configuration(self, call: Call) -> Members:
        raise ObjectLockConfigurationNotFoundError(BucketName=self._bucket(call).name)

    async def get_object_legal_hold(self, call: Call) -> Members:
        return await self._unlocked(call)

    async def get_object_retention(self, call: Call) -> Members:
        return await self._unlocked(call)

    async def _unlocked(self, call: Call) -> Members:
        await self._objects.find(self._bucket(call), key_of(call), call.params.get("VersionId"))
        raise InvalidRequest(_NO_LOCK)
