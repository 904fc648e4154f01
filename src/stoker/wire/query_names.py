"""What forms call members whose models have forgotten it: APIs that went from query to json and still answer both.

Source: the names in botocore's models of 2022, and the AWS API references' examples of forms.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class QueryNames:
    """By shape: the name of a list's elements, of a map's keys and values, and of a structure's members.

    `path_member` is the parameter that a request's path stands for where the form does not have it.
    """

    namespace: str
    elements: Mapping[str, str]
    entries: Mapping[str, tuple[str, str]]
    members: Mapping[str, Mapping[str, str]]
    path_member: str | None = None


_ATTRIBUTES = {"Attributes": "Attribute"}
_TAGS = {"Tags": "Tag"}
_VALUES = {"StringListValues": "StringListValue", "BinaryListValues": "BinaryListValue"}
_SENT = {"MessageAttributes": "MessageAttribute", "MessageSystemAttributes": "MessageSystemAttribute"}

QUERY_NAMES: Mapping[str, QueryNames] = {
    "sqs": QueryNames(
        namespace="http://queue.amazonaws.com/doc/2012-11-05/",
        path_member="QueueUrl",
        elements={
            "AWSAccountIdList": "AWSAccountId",
            "ActionNameList": "ActionName",
            "AttributeNameList": "AttributeName",
            "BatchResultErrorEntryList": "BatchResultErrorEntry",
            "BinaryList": "BinaryListValue",
            "ChangeMessageVisibilityBatchRequestEntryList": "ChangeMessageVisibilityBatchRequestEntry",
            "ChangeMessageVisibilityBatchResultEntryList": "ChangeMessageVisibilityBatchResultEntry",
            "DeleteMessageBatchRequestEntryList": "DeleteMessageBatchRequestEntry",
            "DeleteMessageBatchResultEntryList": "DeleteMessageBatchResultEntry",
            "ListMessageMoveTasksResultEntryList": "ListMessageMoveTasksResultEntry",
            "MessageAttributeNameList": "MessageAttributeName",
            "MessageList": "Message",
            "MessageSystemAttributeList": "MessageSystemAttributeName",
            "QueueUrlList": "QueueUrl",
            "SendMessageBatchRequestEntryList": "SendMessageBatchRequestEntry",
            "SendMessageBatchResultEntryList": "SendMessageBatchResultEntry",
            "StringList": "StringListValue",
            "TagKeyList": "TagKey",
        },
        entries={
            "MessageBodyAttributeMap": ("Name", "Value"),
            "MessageBodySystemAttributeMap": ("Name", "Value"),
            "MessageSystemAttributeMap": ("Name", "Value"),
            "QueueAttributeMap": ("Name", "Value"),
            "TagMap": ("Key", "Value"),
        },
        members={
            "CreateQueueRequest": {**_ATTRIBUTES, "tags": "Tag"},
            "GetQueueAttributesResult": _ATTRIBUTES,
            "ListQueueTagsResult": _TAGS,
            "Message": {**_ATTRIBUTES, "MessageAttributes": "MessageAttribute"},
            "MessageAttributeValue": _VALUES,
            "MessageSystemAttributeValue": _VALUES,
            "SendMessageBatchRequestEntry": _SENT,
            "SendMessageRequest": _SENT,
            "SetQueueAttributesRequest": _ATTRIBUTES,
            "TagQueueRequest": _TAGS,
        },
    ),
}
"""By botocore's name of the service."""


def with_query_names(service: str, document: dict[str, Any]) -> dict[str, Any]:
    """The model with the names that its forms need; unchanged for services that need none."""
    names = QUERY_NAMES.get(service)
    if names is None:
        return document
    shapes = dict(document["shapes"])
    for shape, name in names.elements.items():
        shapes[shape] = {**shapes[shape], "member": {**shapes[shape]["member"], "locationName": name}}
    for shape, (key, value) in names.entries.items():
        renamed = {
            "key": {**shapes[shape]["key"], "locationName": key},
            "value": {**shapes[shape]["value"], "locationName": value},
        }
        shapes[shape] = {**shapes[shape], **renamed}
    for shape, members in names.members.items():
        known = shapes[shape]["members"]
        changed = {member: {**known[member], "locationName": name} for member, name in members.items()}
        shapes[shape] = {**shapes[shape], "members": {**known, **changed}}
    metadata = {**document["metadata"], "xmlNamespace": names.namespace, "pathMember": names.path_member}
    return {**document, "shapes": shapes, "metadata": metadata}
