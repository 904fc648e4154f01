"""The SQS API: which operation is served by what."""

from collections.abc import Mapping

from stoker.model.access import AccessTable
from stoker.queues.move_tasks import MoveTasks
from stoker.queues.queues import Queues
from stoker.services.sqs.access import ACCESS, account_in
from stoker.services.sqs.addresses import Addresses
from stoker.services.sqs.batches import BatchOperations
from stoker.services.sqs.messages import MessageOperations
from stoker.services.sqs.moves import MoveOperations
from stoker.services.sqs.queue_operations import QueueOperations
from stoker.wire.operations import Method, operations_of


class SqsService:
    """`endpoint` begins queues' URLs."""

    name = "sqs"
    access: AccessTable = ACCESS

    def __init__(self, *, queues: Queues, tasks: MoveTasks, endpoint: str) -> None:
        self._queues = queues
        addresses = Addresses(queues.catalogue, endpoint)
        self.operations: Mapping[str, Method] = operations_of(
            QueueOperations(queues, addresses),
            MessageOperations(queues, addresses),
            BatchOperations(queues, addresses),
            MoveOperations(tasks),
        )

    def __repr__(self) -> str:
        return f"<SqsService {self._queues!r}>"

    def resource_tags(self, arn: str) -> Mapping[str, str]:
        """The tags of a queue, by its ARN."""
        queue = self._queues.catalogue.by_arn(arn)
        return {} if queue is None else queue.tags

    def resource_policy(self, arn: str) -> str | None:
        """The policy of a queue, by its ARN; None where it has none or is not there."""
        queue = self._queues.catalogue.by_arn(arn)
        return None if queue is None or account_in(arn) != queue.account else queue.attributes.get("Policy")
