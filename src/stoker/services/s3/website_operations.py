"""Buckets' websites: put, shown, removed."""

from stoker.objects.buckets import Buckets
from stoker.objects.errors import NoSuchWebsiteConfiguration
from stoker.objects.website import WEBSITE, check_website
from stoker.services.s3.words import Members, bucket_of
from stoker.wire.message import Call


class WebsiteOperations:
    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets

    async def put_bucket_website(self, call: Call) -> Members:
        website = call.params["WebsiteConfiguration"]
        check_website(website)
        await self._buckets.set(bucket_of(call, self._buckets), WEBSITE, website)
        return {}

    async def get_bucket_website(self, call: Call) -> Members:
        bucket = bucket_of(call, self._buckets)
        if WEBSITE not in bucket.settings:
            raise NoSuchWebsiteConfiguration(BucketName=bucket.name)
        shown: Members = bucket.settings[WEBSITE]
        return shown

    async def delete_bucket_website(self, call: Call) -> Members:
        await self._buckets.set(bucket_of(call, self._buckets), WEBSITE, None)
        return {}
