"""Identifiers as API Gateway draws them: lower case and digits."""

import secrets
import string

_LETTERS = string.ascii_lowercase
_ALPHABET = string.ascii_lowercase + string.digits
API_LENGTH, PART_LENGTH = 10, 7


def new_api_id() -> str:
    """An API's. It is a host name's first label, and HTTP, WebSocket and REST APIs must not share one."""
    return secrets.choice(_LETTERS) + "".join(secrets.choice(_ALPHABET) for _ in range(API_LENGTH - 1))


def new_part_id() -> str:
    """A route's, an integration's, … unlike all others of its API."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(PART_LENGTH))
