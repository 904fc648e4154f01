# ruff: noqa: N818 - the classes are called what AWS calls the errors.
"""IAM's refusals, with its words."""

from stoker.model.errors import ServiceError


class NoSuchEntity(ServiceError):
    """The entity cannot be found."""

    code = "NoSuchEntity"
    status = 404

    @classmethod
    def of(cls, kind: str, name: str) -> "NoSuchEntity":
        return cls(f"The {kind} with name {name} cannot be found.")

    @classmethod
    def of_policy(cls, arn: str) -> "NoSuchEntity":
        return cls(f"Policy {arn} does not exist or is not attachable.")


class EntityAlreadyExists(ServiceError):
    """An entity of this name exists already."""

    code = "EntityAlreadyExists"
    status = 409


class DeleteConflict(ServiceError):
    """Cannot delete entity, must remove what it holds first."""

    code = "DeleteConflict"
    status = 409


class LimitExceeded(ServiceError):
    """Cannot exceed quota."""

    code = "LimitExceeded"
    status = 409

    @classmethod
    def of(cls, quota: str, most: int) -> "LimitExceeded":
        return cls(f"Cannot exceed quota for {quota}: {most}")


class InvalidInput(ServiceError):
    """The request's input is invalid."""

    code = "InvalidInput"
    status = 400


class ValidationError(ServiceError):
    """1 validation error detected."""

    code = "ValidationError"
    status = 400


class ReportNotPresent(ServiceError):
    """The request was rejected because the credential report does not exist. Generate one first."""

    code = "ReportNotPresent"
    status = 410


class InvalidIdentityToken(ServiceError):
    """The web identity token that was passed could not be validated by Stoker. Get a new identity token from the \
identity provider and then retry the request."""

    code = "InvalidIdentityToken"
    status = 400


class ExpiredIdentityToken(ServiceError):
    """The web identity token that was passed is expired. Get a new identity token from the identity provider and then \
retry the request."""

    code = "ExpiredTokenException"
    status = 400


class IDPCommunicationError(ServiceError):
    """The request could not be fulfilled because the identity provider that was asked to verify the incoming identity \
token could not be reached."""

    code = "IDPCommunicationError"
    status = 400


class MalformedPolicyDocumentError(ServiceError):
    """Syntax errors in policy."""

    code = "MalformedPolicyDocument"
    status = 400
