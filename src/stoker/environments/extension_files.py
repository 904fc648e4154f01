"""Which external extensions a function's layers bring: the files in their /opt/extensions."""

import os
from pathlib import Path

from stoker.runtime_api.extensions import MAX_EXTENSIONS

DIRECTORY = "extensions"


def extension_files(layers_root: Path | None) -> tuple[str, ...]:
    """Their names, in order; one more than there may be where there are too many. Whether they can be executed is for
    the sandbox to see."""
    if layers_root is None:
        return ()
    try:
        # Whoever made the layer may have made it a link to a directory of the machine's.
        descriptor = os.open(layers_root / DIRECTORY, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return ()
    try:
        with os.scandir(descriptor) as entries:
            files = [entry.name for entry in entries if not entry.is_dir(follow_symlinks=False)]
    finally:
        os.close(descriptor)
    # They end up in the log, where a line break would make another line of what follows.
    return tuple(sorted(filter(str.isprintable, files))[: MAX_EXTENSIONS + 1])
