"""SQS."""

from stoker.event_sources.sqs_source import SqsSource
from stoker.observability.metrics import Gauge
from stoker.queues.arriving import QueueTarget
from stoker.queues.contents import Contents
from stoker.queues.depths import LABELS, depths
from stoker.queues.move_tasks import MoveTasks
from stoker.queues.queues import Queues
from stoker.serve.area import Area
from stoker.serve.platform import Platform
from stoker.services.sqs.service import SqsService


async def build(platform: Platform) -> Area:
    queues = Queues(
        account=platform.settings.account,
        store=platform.store,
        clock=platform.clock,
        key=platform.keys.derived_key("receipt handles"),
        contents=Contents(platform.keys.derived_key("messages at rest")),
    )
    tasks = MoveTasks(queues=queues, store=platform.store, clock=platform.clock)
    platform.targets.register("sqs", QueueTarget(queues).deliver)
    platform.sources.register("sqs", SqsSource(queues, platform.clock, platform.delivery_access.role_may))
    about = "Messages in queues that are visible, in flight, or delayed."
    platform.metrics.watch(Gauge(name="sqs_messages", about=about, labels=LABELS, read=lambda: depths(queues)))
    await queues.start()

    async def let_go() -> None:
        queues.answer_waiting()

    async def end() -> None:
        await tasks.close()
        await queues.close()

    endpoint = platform.settings.endpoint_at(platform.settings.port)
    return Area(
        services=[SqsService(queues=queues, tasks=tasks, endpoint=endpoint)], begin=tasks.start, let_go=let_go, end=end
    )
