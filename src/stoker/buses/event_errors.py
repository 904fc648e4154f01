# ruff: noqa: N818 - the classes are called what AWS calls the errors.
"""EventBridge's error shapes. Its protocol answers every one with status 400."""

from stoker.model.errors import ServiceError


class _EventsError(ServiceError):
    status = 400


class ResourceAlreadyExistsException(_EventsError):
    """The resource you are trying to create already exists."""

    code = "ResourceAlreadyExistsException"


class LimitExceededException(_EventsError):
    """The requested resource exceeds the maximum number allowed."""

    code = "LimitExceededException"


class InvalidEventPatternException(_EventsError):
    """Event pattern is not valid."""

    code = "InvalidEventPatternException"


class IllegalStatusException(_EventsError):
    """An error occurred because a replay can be canceled only when the state is Running or Starting."""

    code = "IllegalStatusException"


class PolicyLengthExceededException(_EventsError):
    """The policy is larger than 10 KB."""

    code = "PolicyLengthExceededException"
