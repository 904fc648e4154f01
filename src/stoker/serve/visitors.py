"""Who may come to a bucket without a signature."""

from stoker.front_door.authorisation import Authoriser
from stoker.front_door.bucket_forms import BucketForms
from stoker.front_door.bucket_visitors import BucketVisitors
from stoker.front_door.public_access import PublicAccess
from stoker.serve.platform import Platform
from stoker.services.s3.service import S3Service


def bucket_visitors(platform: Platform, s3: S3Service, authoriser: Authoriser) -> BucketVisitors:
    return BucketVisitors(
        s3.buckets,
        PublicAccess(platform.authority, s3.access, s3.lets_strangers_in),
        BucketForms(s3.put_object_as_form, platform.keys, platform.clock),
        authorise=authoriser.check,
        account=platform.settings.account,
    )
