"""S3."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from stoker.deliveries.delivery import Delivery
from stoker.model.arn import FunctionId, parse_function_reference
from stoker.model.errors import ResourceNotFoundException
from stoker.objects.buckets import Buckets
from stoker.objects.housekeeping import Housekeeping
from stoker.objects.lifecycle import Lifecycle
from stoker.objects.lists import Lists
from stoker.objects.notifier import Notifier
from stoker.objects.objects import Objects
from stoker.objects.places import Place, open_place
from stoker.objects.record_target import RecordTarget
from stoker.objects.uploads import Uploads
from stoker.serve.area import Area
from stoker.serve.platform import Platform
from stoker.services.s3.caller_rights import CallerRights
from stoker.services.s3.code_reader import CodeReader
from stoker.services.s3.service import S3Service
from stoker.services.s3control.service import S3ControlService

# They wait for the disk, and hash: as many as let several uploads wait at once.
BYTE_THREADS = 16


async def build(platform: Platform) -> Area:
    store, clock = platform.store, platform.clock
    threads = ThreadPoolExecutor(BYTE_THREADS, thread_name_prefix="s3-bytes")
    wanted = Place(url=platform.settings.objects_url, key=platform.settings.objects_key)
    place = await asyncio.to_thread(open_place, wanted, platform.settings.data)
    buckets = Buckets(store, platform.settings.account, clock)
    await buckets.start()
    housekeeping = Housekeeping(store, place, threads)
    # Before anything can be put: what is staged now is the last run's.
    await housekeeping.start()
    notifier = Notifier(platform.outbox, platform.settings.account)
    objects = Objects(
        store=store, bytes_=place, threads=threads, housekeeping=housekeeping, notifier=notifier, clock=clock
    )
    uploads = Uploads(store=store, objects=objects, housekeeping=housekeeping, clock=clock)
    lifecycle = Lifecycle(store=store, buckets=buckets, objects=objects, housekeeping=housekeeping, clock=clock)

    async def can_invoke(delivery: Delivery) -> None:
        reference = parse_function_reference(delivery.target)
        if reference is None or reference.region is None:
            raise ResourceNotFoundException(f"Function not found: {delivery.target}")
        function = FunctionId(account=platform.settings.account, region=reference.region, name=reference.name)
        await platform.registry.get(function, reference.qualifier)
        await platform.delivery_access.check(delivery)

    rights = CallerRights(platform.authority)
    platform.targets.register("s3", RecordTarget(buckets, objects).deliver)
    platform.code_objects.register(CodeReader(buckets, objects, rights).read)
    service = S3Service(
        buckets=buckets,
        objects=objects,
        uploads=uploads,
        lists=Lists(store),
        notifier=notifier,
        targets=platform.targets,
        can_invoke=can_invoke,
        rights=rights,
        clock=clock,
    )

    async def end() -> None:
        await lifecycle.close()
        await housekeeping.close()
        threads.shutdown()

    control = S3ControlService(buckets, service.resource_policy)
    return Area(services=[service, control], begin=lifecycle.start, end=end)
