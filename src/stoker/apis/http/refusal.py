"""What an API answers itself, in AWS's words, instead of its integration."""

import json
from collections.abc import Sequence

from stoker.model.http_event import JSON_TYPE, HttpAnswer


class RefusedError(Exception):
    """The request goes no further. `reason` is what access logs tell of it, and the client does not learn."""

    def __init__(self, status: int, message: str, *, reason: str = "", headers: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.reason = reason
        self.headers = headers

    def answer(self) -> HttpAnswer:
        body = json.dumps({"message": self.message}, separators=(",", ":")).encode()
        return HttpAnswer(status=self.status, headers=[("Content-Type", JSON_TYPE), *self.headers], body=body)


def not_found() -> RefusedError:
    return RefusedError(404, "Not Found")


def unauthorized(reason: str, challenge: str = "") -> RefusedError:
    """`challenge` is a Bearer token's: what `www-authenticate` says is wrong with it."""
    headers = [("www-authenticate", challenge)] if challenge else []
    return RefusedError(401, "Unauthorized", reason=reason, headers=headers)


def forbidden(reason: str, challenge: str = "") -> RefusedError:
    headers = [("www-authenticate", challenge)] if challenge else []
    return RefusedError(403, "Forbidden", reason=reason, headers=headers)


def internal_error(reason: str) -> RefusedError:
    return RefusedError(500, "Internal Server Error", reason=reason)


def unavailable(reason: str) -> RefusedError:
    return RefusedError(503, "Service Unavailable", reason=reason)
