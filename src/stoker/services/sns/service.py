"""The SNS API: which operation is served by what."""

from collections.abc import Callable, Mapping

from stoker.buses.publishing import Publishing
from stoker.buses.subscriptions import Subscriptions
from stoker.buses.topics import Topics
from stoker.model.access import AccessTable
from stoker.services.sns.access import ACCESS
from stoker.services.sns.publishing import PublishOperations
from stoker.services.sns.subscriptions import SubscriptionOperations
from stoker.services.sns.topics import TopicOperations
from stoker.wire.operations import Method, operations_of


class SnsService:
    """`takes` says which services can be targets."""

    name = "sns"
    access: AccessTable = ACCESS

    def __init__(
        self, *, topics: Topics, subscriptions: Subscriptions, publishing: Publishing, takes: Callable[[str], bool]
    ) -> None:
        self.resource_policy = topics.resource_policy
        of_topics = TopicOperations(topics)
        self.resource_tags = of_topics.resource_tags
        self.operations: Mapping[str, Method] = operations_of(
            of_topics, SubscriptionOperations(subscriptions, publishing, takes), PublishOperations(publishing)
        )

    def __repr__(self) -> str:
        return f"<SnsService of {self.name}>"
