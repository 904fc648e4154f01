"""CloudWatch Logs' error shapes. Its protocol answers every one with status 400."""

from stoker.model.errors import ServiceError


class _LogsError(ServiceError):
    status = 400


class LogGroupNotFoundError(_LogsError):
    """The specified log group does not exist."""

    code = "ResourceNotFoundException"


class LogStreamNotFoundError(_LogsError):
    """The specified log stream does not exist."""

    code = "ResourceNotFoundException"


class LogGroupExistsError(_LogsError):
    """The specified log group already exists"""

    code = "ResourceAlreadyExistsException"


class LogStreamExistsError(_LogsError):
    """The specified log stream already exists"""

    code = "ResourceAlreadyExistsException"


class TooManyTagsError(_LogsError):
    """A resource can have no more than 50 tags."""

    code = "TooManyTagsException"


class QueryNotFoundError(_LogsError):
    """There is no query with this id: they are forgotten when there are many, and when Stoker stops."""

    code = "ResourceNotFoundException"


class LimitExceededError(_LogsError):
    """You have reached the maximum number of resources that can be created."""

    code = "LimitExceededException"


class InvalidQueryError(_LogsError):
    """The query string is not valid."""

    code = "MalformedQueryException"


class SessionTimeoutError(_LogsError):
    """The Live Tail session has been open for three hours and is over; start another one."""

    code = "SessionTimeoutException"


class SessionStreamingError(_LogsError):
    """The Live Tail session ended because Stoker stops; start another one once it runs again."""

    code = "SessionStreamingException"
