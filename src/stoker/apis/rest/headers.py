"""Headers that somebody else named or filled, as they may go out. Pure."""

import re

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NOT_A_VALUE = re.compile(r"[^\t\x20-\x7e\x80-\xff]+")


def is_name(text: str) -> bool:
    """Whether a header can be called so."""
    return _NAME.fullmatch(text) is not None


def cleaned(value: str) -> str:
    """A value on one line, of characters that a header can have: nobody writes a header of his own with it."""
    return _NOT_A_VALUE.sub(" ", value)
