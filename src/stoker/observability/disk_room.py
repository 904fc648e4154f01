"""How far lines may fill the disk: what is left is for the store and the ledger, without which nothing runs."""

import os
from pathlib import Path

# A function writes a hundred megabytes of lines in seconds; ledger rows and deployments take so much in months.
KEPT_FREE_BYTES = 256 << 20
# Of a small disk, so much of it.
KEPT_FREE_SHARE = 20


class DiskRoom:
    """Whether the disk of a directory has room for lines; `look` asks the kernel anew."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.for_lines = True
        self.look()

    def __repr__(self) -> str:
        return f"<DiskRoom of {self._directory} {'free' if self.for_lines else 'nearly full'}>"

    def look(self) -> None:
        """Any thread may call it. Takes a microsecond: the kernel knows the numbers."""
        disk = os.statvfs(self._directory)
        kept_free = min(KEPT_FREE_BYTES, disk.f_blocks * disk.f_frsize // KEPT_FREE_SHARE)
        self.for_lines = disk.f_bavail * disk.f_frsize >= kept_free
