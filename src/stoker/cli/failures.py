"""Every way a command can fail, as one line: what happened and what to do."""

import sys
from subprocess import SubprocessError


class CliError(Exception):
    """The command could not be done."""

    def __init__(self, message: str, /, *, exit_code: int = 1) -> None:
        self.exit_code = exit_code
        super().__init__(message)


_WHOSE_KEY = (
    "The server doesn't accept the key that was used ({message}). `eval $(stoker credentials --export)` sets the one "
    "of this machine's Stoker; unset AWS_ACCESS_KEY_ID or AWS_PROFILE if they are meant for AWS."
)

_HINTS = {
    "AccessDeniedException": "{message}",
    "IncompleteSignatureException": _WHOSE_KEY,
    "InvalidClientTokenId": _WHOSE_KEY,
    "InvalidSignatureException": _WHOSE_KEY,
    "SignatureDoesNotMatch": _WHOSE_KEY,
    "UnrecognizedClientException": _WHOSE_KEY,
    "NotImplemented": "{message}",
    "NotImplementedException": "{message}",
    "RequestEntityTooLargeException": "{message} Put what is large into a layer, or leave it out with .stokerignore.",
    "ResourceConflictException": "{message} Wait a moment and try again.",
    "ResourceNotFoundException": "{message} `stoker list` shows the functions that there are.",
    "TooManyRequestsException": "{message} Everything that may run at once is running: try again in a moment.",
}


def explain(error: Exception) -> str | None:
    """The line to show for an error, or None when it is not one that a user can do anything about."""
    if isinstance(error, CliError):
        return str(error)
    if "botocore" in sys.modules and (line := _explain_client(error)) is not None:
        return line
    if isinstance(error, SubprocessError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return None


def _explain_client(error: Exception) -> str | None:
    from botocore import exceptions

    match error:
        case exceptions.ClientError():
            return _explain_answer(error)
        case exceptions.EndpointConnectionError() | exceptions.ConnectTimeoutError():
            return (
                f"Nothing answers at {error.kwargs['endpoint_url']}: start it with `stoker up`, "
                "or say where it is with --endpoint or STOKER_ENDPOINT."
            )
        case exceptions.ReadTimeoutError() | exceptions.ConnectionClosedError():
            return f"{error} Is the server still running? `stoker list` asks it."
        case exceptions.WaiterError():
            return f"{error} See State and StateReason in `aws lambda get-function-configuration`."
        case exceptions.ProfileNotFound():
            return f"{error} Unset AWS_PROFILE, or name another with --profile."
        case exceptions.BotoCoreError():
            return " ".join(str(error).split("\n"))
    return None


def _explain_answer(error: Exception) -> str:
    answer = getattr(error, "response", {}).get("Error", {})
    code, message = answer.get("Code", "Unknown"), answer.get("Message") or "no further word from the server"
    if message[-1:].isalnum():
        message += "."
    if code in _HINTS:
        return _HINTS[code].format(message=message)
    return f"{code}: {message}"
