"""API Gateway's errors that only REST APIs know; the others are `apis.errors`."""

from stoker.model.errors import ServiceError


class LimitExceededException(ServiceError):  # noqa: N818 (what AWS calls it)
    """The request exceeded the rate limit."""

    code = "LimitExceededException"
    status = 429
