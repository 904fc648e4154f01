"""SNS's error shapes."""

from stoker.model.errors import ServiceError


class _SnsError(ServiceError):
    status = 400


class InvalidParameterError(_SnsError):
    """Invalid parameter"""

    code = "InvalidParameter"


class InvalidValueError(_SnsError):
    """A parameter's value is not valid."""

    code = "ParameterValueInvalid"


class TopicNotFoundError(ServiceError):
    """Topic does not exist"""

    code = "NotFound"
    status = 404


class ResourceNotFoundError(ServiceError):
    """Resource does not exist"""

    code = "ResourceNotFound"
    status = 404


class SubscriptionNotFoundError(ServiceError):
    """Subscription does not exist"""

    code = "NotFound"
    status = 404


class TopicLimitError(ServiceError):
    """The account has its maximum number of topics."""

    code = "TopicLimitExceeded"
    status = 403


class TagLimitError(_SnsError):
    """Could not complete request: tag quota of per resource exceeded"""

    code = "TagLimitExceeded"


class BatchEntryIdsNotDistinctError(_SnsError):
    """Two or more batch entries in the request have the same Id."""

    code = "BatchEntryIdsNotDistinct"


class BatchRequestTooLongError(_SnsError):
    """The length of all the messages put together is more than the limit."""

    code = "BatchRequestTooLong"


class EmptyBatchRequestError(_SnsError):
    """The batch request doesn't contain any entries."""

    code = "EmptyBatchRequest"


class InvalidBatchEntryIdError(_SnsError):
    """The Id of a batch entry in a batch request doesn't abide by the specification."""

    code = "InvalidBatchEntryId"


class TooManyEntriesError(_SnsError):
    """The batch request contains more entries than permissible."""

    code = "TooManyEntriesInBatchRequest"
