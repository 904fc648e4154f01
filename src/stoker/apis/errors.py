# ruff: noqa: N818 - the classes are called what AWS calls the errors.
"""API Gateway's errors, of both its APIs."""

from stoker.model.errors import ServiceError


class BadRequestException(ServiceError):
    """The request is not valid."""

    code = "BadRequestException"
    status = 400


class NotFoundException(ServiceError):
    """The resource specified in the request was not found."""

    code = "NotFoundException"
    status = 404


class ConflictException(ServiceError):
    """The request conflicts with what is there."""

    code = "ConflictException"
    status = 409
