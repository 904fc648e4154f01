"""Continuation tokens: where a list goes on, in a form that nobody is tempted to make himself."""

import base64

from stoker.objects.errors import InvalidArgument


def token(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode("ascii")


def parse_token(text: str) -> str:
    """Raises InvalidArgument for what is no token."""
    try:
        return base64.b64decode(text, altchars=b"-_", validate=True).decode()
    except ValueError as error:
        raise InvalidArgument(
            "The continuation token provided is incorrect", ArgumentName="continuation-token"
        ) from error
