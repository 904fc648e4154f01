"""CloudWatch's error shapes. Their codes on the wire are the model's."""

from stoker.model.errors import ServiceError


class _CloudWatchError(ServiceError):
    status = 400


class InvalidValueError(_CloudWatchError):
    """The value of an input parameter is bad or out-of-range."""

    code = "InvalidParameterValueException"


class InvalidCombinationError(_CloudWatchError):
    """Parameters were used together that cannot be used together."""

    code = "InvalidParameterCombinationException"


class MissingParameterError(_CloudWatchError):
    """An input parameter that is required is missing."""

    code = "MissingRequiredParameterException"


class InvalidNextTokenError(_CloudWatchError):
    """The next token specified is invalid."""

    code = "InvalidNextToken"


class LimitExceededError(_CloudWatchError):
    """The quota for this resource has been reached."""

    code = "LimitExceededFault"


class AlarmNotFoundError(_CloudWatchError):
    """The named resource does not exist."""

    code = "ResourceNotFound"


class ResourceNotFoundError(_CloudWatchError):
    """The named resource does not exist."""

    code = "ResourceNotFoundException"


class InvalidFormatError(_CloudWatchError):
    """Data was not syntactically valid JSON."""

    code = "InvalidFormatFault"
