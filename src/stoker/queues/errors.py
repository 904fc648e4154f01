# ruff: noqa: N818 - the classes are called what AWS calls the errors.
"""SQS's errors, with the names that each of its two protocols has for them."""

from typing import Any

from stoker.model.errors import ServiceError

_OLD = "AWS.SimpleQueueService."


class QueueError(ServiceError):
    """The caller's fault."""

    status = 400


class QueueDoesNotExist(QueueError):
    """The specified queue does not exist."""

    code = "QueueDoesNotExist"
    query_code = f"{_OLD}NonExistentQueue"


class QueueNameExists(QueueError):
    """A queue already exists with the same name and a different value for an attribute."""

    code = "QueueNameExists"
    query_code = "QueueAlreadyExists"


class PurgeQueueInProgress(QueueError):
    """Only one PurgeQueue operation is allowed every 60 seconds."""

    code = "PurgeQueueInProgress"
    status = 403
    query_code = f"{_OLD}PurgeQueueInProgress"


class ReceiptHandleIsInvalid(QueueError):
    """The input receipt handle is invalid."""

    code = "ReceiptHandleIsInvalid"
    query_code = "ReceiptHandleIsInvalid"

    @classmethod
    def of(cls, handle: str) -> "ReceiptHandleIsInvalid":
        return cls(f'The input receipt handle "{handle}" is not a valid receipt handle.')


class InvalidAttributeName(QueueError):
    """The specified attribute doesn't exist."""

    code = "InvalidAttributeName"


class InvalidAttributeValue(QueueError):
    """A queue attribute value is invalid."""

    code = "InvalidAttributeValue"


class OverLimit(QueueError):
    """The specified action violates a limit."""

    code = "OverLimit"
    status = 403


class InvalidAddress(QueueError):
    """The specified queue's address is invalid."""

    code = "InvalidAddress"
    status = 404


class UnsupportedOperation(QueueError):
    """Unsupported operation."""

    code = "UnsupportedOperation"
    query_code = f"{_OLD}UnsupportedOperation"


class InvalidMessageContents(QueueError):
    """The message contains characters outside the allowed set."""

    code = "InvalidMessageContents"


class TooManyEntriesInBatchRequest(QueueError):
    """The batch request contains more entries than permissible."""

    code = "TooManyEntriesInBatchRequest"
    query_code = f"{_OLD}TooManyEntriesInBatchRequest"


class EmptyBatchRequest(QueueError):
    """The batch request doesn't contain any entries."""

    code = "EmptyBatchRequest"
    query_code = f"{_OLD}EmptyBatchRequest"


class BatchEntryIdsNotDistinct(QueueError):
    """Two or more batch entries in the request have the same Id."""

    code = "BatchEntryIdsNotDistinct"
    query_code = f"{_OLD}BatchEntryIdsNotDistinct"


class InvalidBatchEntryId(QueueError):
    """A batch entry id can only contain alphanumeric characters, hyphens and underscores. \
It can be at most 80 letters long."""

    code = "InvalidBatchEntryId"
    query_code = f"{_OLD}InvalidBatchEntryId"


class BatchRequestTooLong(QueueError):
    """The length of all the messages put together is more than the limit."""

    code = "BatchRequestTooLong"
    query_code = f"{_OLD}BatchRequestTooLong"


class TaskNotFound(QueueError):
    """The resource that you specified for the SourceArn parameter doesn't exist."""

    code = "ResourceNotFoundException"
    status = 404


class InvalidParameterValue(QueueError):
    """One or more parameters are invalid."""

    code = "InvalidParameterValueException"
    query_code = "InvalidParameterValue"

    @classmethod
    def of(cls, parameter: str, value: Any, reason: str) -> "InvalidParameterValue":
        return cls(f"Value {value} for parameter {parameter} is invalid. Reason: {reason}")


class MissingParameter(QueueError):
    """The request must contain a parameter that it does not."""

    code = "MissingRequiredParameterException"
    query_code = "MissingParameter"

    @classmethod
    def of(cls, parameter: str) -> "MissingParameter":
        return cls(f"The request must contain the parameter {parameter}.")
