"""A fault of ours that the caller may know: the machine has no space left, and the same call works once it has."""

import errno

from stoker.observability.journal import JournalFullError
from stoker.store.engines import is_out_of_space

_NO_SPACE = "There is no space left on the disk that Stoker keeps its data on. Nothing was changed; try again later."
_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT})


def shortage(error: BaseException) -> str | None:
    """What to tell a caller whose request failed with this error; None if space is not what was missing."""
    full = isinstance(error, OSError) and error.errno in _ERRNOS
    return _NO_SPACE if full or isinstance(error, JournalFullError) or is_out_of_space(error) else None
