# ruff: noqa: N818 - the classes are called what AWS calls the errors.
"""Kinesis' own errors. All of them are answered with 400."""

from stoker.model.errors import ServiceError


class StreamsError(ServiceError):
    """The request could not be served."""

    status = 400


class StreamNotFound(StreamsError):
    """The stream, or its shard, is not there."""

    code = "ResourceNotFoundException"


class StreamInUse(StreamsError):
    """The stream exists already, or its shard was split or merged before."""

    code = "ResourceInUseException"


class InvalidArgument(StreamsError):
    """A parameter has a value that it cannot have."""

    code = "InvalidArgumentException"


class StreamLimitExceeded(StreamsError):
    """There are too many streams, shards or tags."""

    code = "LimitExceededException"


class ExpiredIterator(StreamsError):
    """The iterator is older than five minutes."""

    code = "ExpiredIteratorException"


class ExpiredNextToken(StreamsError):
    """The token is older than five minutes, or was never given."""

    code = "ExpiredNextTokenException"
