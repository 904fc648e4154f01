"""The SNS API: which operation is served by what."""

from collections.abc import Callable

from stoker.buses.publishing import Publishing
from stoker.buses.subscriptions import Subscriptions
from stoker.buses.topics import Topics
from stoker.model.access import AccessTable
from stoker.services.sns.access import ACCESS
from stoker.services.sns.publishing import PublishOperations
from stoker.services.sns.subscriptions import SubscriptionOperations
from stoker.services.sns.topics import TopicOperations


class SnsService:
    """Every attribute with an operation's name serves that operation. `takes` says which services can be targets."""

    name = "sns"
    access: AccessTable = ACCESS

    def __init__(
        self, *, topics: Topics, subscriptions: Subscriptions, publishing: Publishing, takes: Callable[[str], bool]
    ) -> None:
        self.resource_policy = topics.resource_policy

        of_topics = TopicOperations(topics)
        self.resource_tags = of_topics.resource_tags
        self.create_topic = of_topics.create_topic
        self.delete_topic = of_topics.delete_topic
        self.list_topics = of_topics.list_topics
        self.get_topic_attributes = of_topics.get_topic_attributes
        self.set_topic_attributes = of_topics.set_topic_attributes
        self.add_permission = of_topics.add_permission
        self.remove_permission = of_topics.remove_permission
        self.tag_resource = of_topics.tag_resource
        self.untag_resource = of_topics.untag_resource
        self.list_tags_for_resource = of_topics.list_tags_for_resource

        of_subscriptions = SubscriptionOperations(subscriptions, publishing, takes)
        self.subscribe = of_subscriptions.subscribe
        self.confirm_subscription = of_subscriptions.confirm_subscription
        self.unsubscribe = of_subscriptions.unsubscribe
        self.list_subscriptions = of_subscriptions.list_subscriptions
        self.list_subscriptions_by_topic = of_subscriptions.list_subscriptions_by_topic
        self.get_subscription_attributes = of_subscriptions.get_subscription_attributes
        self.set_subscription_attributes = of_subscriptions.set_subscription_attributes

        publish = PublishOperations(publishing)
        self.publish = publish.publish
        self.publish_batch = publish.publish_batch

    def __repr__(self) -> str:
        return f"<SnsService of {self.name}>"
