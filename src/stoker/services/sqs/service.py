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


class SqsService:
    """Every attribute with an operation's name serves that operation. `endpoint` begins queues' URLs."""

    name = "sqs"
    access: AccessTable = ACCESS

    def __init__(self, *, queues: Queues, tasks: MoveTasks, endpoint: str) -> None:
        self._queues = queues
        addresses = Addresses(queues.catalogue, endpoint)

        admin = QueueOperations(queues, addresses)
        self.create_queue = admin.create_queue
        self.delete_queue = admin.delete_queue
        self.get_queue_url = admin.get_queue_url
        self.list_queues = admin.list_queues
        self.list_dead_letter_source_queues = admin.list_dead_letter_source_queues
        self.get_queue_attributes = admin.get_queue_attributes
        self.set_queue_attributes = admin.set_queue_attributes
        self.purge_queue = admin.purge_queue
        self.tag_queue = admin.tag_queue
        self.untag_queue = admin.untag_queue
        self.list_queue_tags = admin.list_queue_tags
        self.add_permission = admin.add_permission
        self.remove_permission = admin.remove_permission

        messages = MessageOperations(queues, addresses)
        self.send_message = messages.send_message
        self.receive_message = messages.receive_message
        self.delete_message = messages.delete_message
        self.change_message_visibility = messages.change_message_visibility

        batches = BatchOperations(queues, addresses)
        self.send_message_batch = batches.send_message_batch
        self.delete_message_batch = batches.delete_message_batch
        self.change_message_visibility_batch = batches.change_message_visibility_batch

        moves = MoveOperations(tasks)
        self.start_message_move_task = moves.start_message_move_task
        self.list_message_move_tasks = moves.list_message_move_tasks
        self.cancel_message_move_task = moves.cancel_message_move_task

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
