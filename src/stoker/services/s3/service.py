"""The S3 API: which operation is served by what."""

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
from stoker.services.s3.website_operations import WebsiteOperations


class S3Service:
    """Every attribute with an operation's name serves that operation."""

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
        self._serve_buckets(buckets)
        self._serve_configurations(Configurations(buckets, objects))
        self._serve_objects(buckets, objects, uploads, rights)

        websites = WebsiteOperations(buckets)
        self.put_bucket_website = websites.put_bucket_website
        self.get_bucket_website = websites.get_bucket_website
        self.delete_bucket_website = websites.delete_bucket_website

        listing = ListOperations(buckets, lists)
        self.list_objects = listing.list_objects
        self.list_objects_v2 = listing.list_objects_v2
        self.list_object_versions = listing.list_object_versions

        notifications = NotificationOperations(
            buckets=buckets, notifier=notifier, targets=targets, can_invoke=can_invoke, clock=clock
        )
        self.put_bucket_notification_configuration = notifications.put_bucket_notification_configuration
        self.get_bucket_notification_configuration = notifications.get_bucket_notification_configuration

    def __repr__(self) -> str:
        return f"<S3Service {self.buckets!r}>"

    def _serve_buckets(self, buckets: Buckets) -> None:
        operations = BucketOperations(buckets)
        self.create_bucket = operations.create_bucket
        self.delete_bucket = operations.delete_bucket
        self.head_bucket = operations.head_bucket
        self.get_bucket_location = operations.get_bucket_location
        self.list_buckets = operations.list_buckets

    def _serve_objects(self, buckets: Buckets, objects: Objects, uploads: Uploads, rights: CallerRights) -> None:
        operations = ObjectOperations(buckets, objects)
        self.put_object = operations.put_object
        self.put_object_as_form = operations.put_object_as_form
        self.delete_object = operations.delete_object
        self.delete_objects = operations.delete_objects
        self.copy_object = operations.copy_object
        self.get_object_tagging = operations.get_object_tagging
        self.put_object_tagging = operations.put_object_tagging
        self.delete_object_tagging = operations.delete_object_tagging

        reads = ReadOperations(buckets, objects, rights)
        self.get_object = reads.get_object
        self.head_object = reads.head_object
        self.get_object_attributes = reads.get_object_attributes

        multipart = MultipartOperations(buckets, objects, uploads, operations)
        self.create_multipart_upload = multipart.create_multipart_upload
        self.upload_part = multipart.upload_part
        self.upload_part_copy = multipart.upload_part_copy
        self.complete_multipart_upload = multipart.complete_multipart_upload
        self.abort_multipart_upload = multipart.abort_multipart_upload
        self.list_parts = multipart.list_parts
        self.list_multipart_uploads = multipart.list_multipart_uploads

    def _serve_configurations(self, configurations: Configurations) -> None:
        self.put_bucket_versioning = configurations.put_bucket_versioning
        self.get_bucket_versioning = configurations.get_bucket_versioning
        self.put_bucket_policy = configurations.put_bucket_policy
        self.get_bucket_policy = configurations.get_bucket_policy
        self.delete_bucket_policy = configurations.delete_bucket_policy
        self.put_bucket_cors = configurations.put_bucket_cors
        self.get_bucket_cors = configurations.get_bucket_cors
        self.delete_bucket_cors = configurations.delete_bucket_cors
        self.put_bucket_lifecycle_configuration = configurations.put_bucket_lifecycle_configuration
        self.get_bucket_lifecycle_configuration = configurations.get_bucket_lifecycle_configuration
        self.delete_bucket_lifecycle = configurations.delete_bucket_lifecycle
        self.put_bucket_tagging = configurations.put_bucket_tagging
        self.get_bucket_tagging = configurations.get_bucket_tagging
        self.delete_bucket_tagging = configurations.delete_bucket_tagging
        self.put_bucket_encryption = configurations.put_bucket_encryption
        self.get_bucket_encryption = configurations.get_bucket_encryption
        self.delete_bucket_encryption = configurations.delete_bucket_encryption
        self.put_public_access_block = configurations.put_public_access_block
        self.get_public_access_block = configurations.get_public_access_block
        self.delete_public_access_block = configurations.delete_public_access_block
        self.get_bucket_policy_status = configurations.get_bucket_policy_status
        self.put_bucket_ownership_controls = configurations.put_bucket_ownership_controls
        self.get_bucket_ownership_controls = configurations.get_bucket_ownership_controls
        self.get_bucket_acl = configurations.get_bucket_acl
        self.put_bucket_acl = configurations.put_bucket_acl
        self.get_object_acl = configurations.get_object_acl
        self.put_object_acl = configurations.put_object_acl
        self.get_bucket_request_payment = configurations.get_bucket_request_payment
        self.get_bucket_accelerate_configuration = configurations.get_bucket_accelerate_configuration
        self.get_bucket_logging = configurations.get_bucket_logging
        self.get_bucket_replication = configurations.get_bucket_replication
        self.get_object_lock_configuration = configurations.get_object_lock_configuration

    def lets_strangers_in(self, arn: str) -> bool:
        """Whether those who have not signed may be asked about for a bucket, by its ARN or that of an object in it."""
        bucket = self.buckets.find(bucket_in(arn))
        return bucket is not None and lets_strangers_in(bucket)

    def resource_policy(self, arn: str) -> str | None:
        """The policy of a bucket, by its ARN or that of an object in it."""
        bucket = self.buckets.find(bucket_in(arn))
        policy: str | None = None if bucket is None else bucket.settings.get(POLICY)
        return policy
