"""The S3 API: which operation is served by what."""

from collections.abc import Mapping

from stoker.deliveries.targets import Targets
from stoker.model.access import AccessTable
from stoker.model.clock import Clock
from stoker.objects.buckets import Buckets
from stoker.objects.lists import Lists
from stoker.objects.notifier import Notifier
from stoker.objects.objects import Objects
from stoker.objects.public_access import POLICY, lets_strangers_in
from stoker.objects.uploads import Uploads
from stoker.services.s3.access import ACCESS, bucket_in
from stoker.services.s3.bucket_operations import BucketOperations
from stoker.services.s3.caller_rights import CallerRights
from stoker.services.s3.configurations import Configurations
from stoker.services.s3.list_operations import ListOperations
from stoker.services.s3.multipart_operations import MultipartOperations
from stoker.services.s3.notification_operations import CanInvoke, NotificationOperations
from stoker.services.s3.object_operations import ObjectOperations
from stoker.services.s3.read_operations import ReadOperations
from stoker.services.s3.unconfigured import Unconfigured
from stoker.services.s3.website_operations import WebsiteOperations
from stoker.wire.operations import Method, operations_of


class S3Service:
    """Buckets and objects."""

    name = "s3"
    access: AccessTable = ACCESS

    def __init__(
        self,
        *,
        buckets: Buckets,
        objects: Objects,
        uploads: Uploads,
        lists: Lists,
        notifier: Notifier,
        targets: Targets,
        can_invoke: CanInvoke,
        rights: CallerRights,
        clock: Clock,
    ) -> None:
        self.buckets = buckets
        of_objects = ObjectOperations(buckets, objects)
        self.put_object_as_form = of_objects.put_object_as_form
        self.operations: Mapping[str, Method] = operations_of(
            BucketOperations(buckets),
            Configurations(buckets, objects),
            Unconfigured(buckets, objects),
            of_objects,
            ReadOperations(buckets, objects, rights),
            MultipartOperations(buckets, objects, uploads),
            WebsiteOperations(buckets),
            ListOperations(buckets, lists),
            NotificationOperations(
                buckets=buckets, notifier=notifier, targets=targets, can_invoke=can_invoke, clock=clock
            ),
        )

    def __repr__(self) -> str:
        return f"<S3Service {self.buckets!r}>"

    def lets_strangers_in(self, arn: str) -> bool:
        """Whether those who have not signed may be asked about for a bucket, by its ARN or that of an object in it."""
        bucket = self.buckets.find(bucket_in(arn))
        return bucket is not None and lets_strangers_in(bucket)

    def resource_policy(self, arn: str) -> str | None:
        """The policy of a bucket, by its ARN or that of an object in it."""
        bucket = self.buckets.find(bucket_in(arn))
        policy: str | None = None if bucket is None else bucket.settings.get(POLICY)
        return policy
