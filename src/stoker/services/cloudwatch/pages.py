"""Pages of answers: opaque tokens for where the next one begins."""

import base64
import binascii

from stoker.observability.cloudwatch.errors import InvalidNextTokenError

# As far as a list can be gone through: databases know no numbers without end.
_MOST = 2**31 - 1


def token_of(number: int) -> str:
    return base64.urlsafe_b64encode(str(number).encode()).decode()


def offset_of(token: str | None) -> int:
    """What `token_of` had in it, 0 without one; or InvalidNextTokenError."""
    if token is None:
        return 0
    try:
        number = int(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError) as error:
        raise InvalidNextTokenError from error
    if not 0 <= number <= _MOST:
        raise InvalidNextTokenError
    return number
