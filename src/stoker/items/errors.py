# ruff: noqa: N818 - the classes are called what AWS calls the errors.
"""DynamoDB's own errors. All of them are answered with 400."""

from stoker.model.errors import ServiceError


class ItemsError(ServiceError):
    """The request could not be served."""

    status = 400


class ResourceNotFound(ItemsError):
    """Requested resource not found"""

    code = "ResourceNotFoundException"


class TableNotFound(ItemsError):
    """Table not found"""

    code = "TableNotFoundException"


class ResourceInUse(ItemsError):
    """The table is being changed or exists already."""

    code = "ResourceInUseException"


class LimitExceeded(ItemsError):
    """Subscriber limit exceeded: there are too many tables, or too many are being changed."""

    code = "LimitExceededException"


class ConditionalCheckFailed(ItemsError):
    """The conditional request failed"""

    code = "ConditionalCheckFailedException"


class ProvisionedThroughputExceeded(ItemsError):
    """The level of configured provisioned throughput for the table was exceeded. \
Consider increasing your provisioning level with the UpdateTable API."""

    code = "ProvisionedThroughputExceededException"


class TransactionCanceled(ItemsError):
    """Transaction cancelled, please refer cancellation reasons for specific reasons"""

    code = "TransactionCanceledException"


class PolicyNotFound(ItemsError):
    """Resource-based policy not found for the provided ResourceArn."""

    code = "PolicyNotFoundException"


class IdempotentParameterMismatch(ItemsError):
    """The client request token was used with other parameters in the last 10 minutes"""

    code = "IdempotentParameterMismatchException"


class TrimmedDataAccess(ItemsError):
    """The operation attempted to read past the oldest stream record in a shard."""

    code = "TrimmedDataAccessException"


class ExpiredIterator(ItemsError):
    """The iterator provided has expired; iterators are good for 15 minutes."""

    code = "ExpiredIteratorException"
