"""Where code is: zips as blobs, unpacked once into read-only directories that environments mount.

`packages/<digest>` is one zip unpacked, `layersets/<digest>` a function's layers laid over each other for /opt.
"""

import asyncio
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakValueDictionary

from stoker.functions import packages
from stoker.store.blobs import BlobStore

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Directories to mount: the function's code at /var/task and, if it has layers, theirs at /opt."""

    task_root: Path
    layers_root: Path | None


def layerset_digest(layers: Sequence[str]) -> str:
    """The name of the directory in which layers of these digests are merged in this order."""
    return hashlib.sha256("\n".join(layers).encode()).hexdigest()


class CodeStorage:
    """Blobs and unpacked directories under one data directory; used by one process.

    `locked` belongs to whoever adds a reference to a digest that may have none, or removes a digest that has none:
    between asking the database and acting on the answer, nobody else may change it. `prepare` takes it itself.
    """

    def __init__(self, data: Path, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._packages = data / "packages"
        self._layersets = data / "layersets"
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def locked(self, digest: str) -> asyncio.Lock:
        lock = self._locks.get(digest)
        if lock is None:
            lock = self._locks[digest] = asyncio.Lock()
        return lock

    def zip_path(self, digest: str) -> Path:
        """The zip as it was uploaded."""
        return self._blobs.path(digest)

    async def keep(self, data: bytes) -> None:
        """Make the zip durable."""
        await asyncio.to_thread(self._blobs.put, data)

    async def prepare(self, code: str, layers: Sequence[str]) -> Prepared:
        """Unpack what is not unpacked yet; raises InvalidParameterValueException for a zip that lied about itself."""
        task_root = await self._package(code)
        if not layers:
            return Prepared(task_root=task_root, layers_root=None)
        roots = [await self._package(layer) for layer in layers]
        digest = layerset_digest(layers)
        layers_root = self._layersets / digest
        if not layers_root.exists():
            async with self.locked(digest):
                await asyncio.to_thread(_build, layers_root, lambda draft: _merge_all(roots, draft))
        return Prepared(task_root=task_root, layers_root=layers_root)

    async def _package(self, digest: str) -> Path:
        root = self._packages / digest
        if not root.exists():
            async with self.locked(digest):
                await asyncio.to_thread(_build, root, lambda draft: packages.unpack(self.zip_path(digest), draft))
        return root

    async def remove(self, digest: str) -> None:
        """Remove a zip, package or layer set that nothing refers to; the caller holds its lock."""
        await asyncio.to_thread(self._remove, digest)

    def _remove(self, digest: str) -> None:
        for directory in (self._packages, self._layersets):
            if (directory / digest).exists():
                _discard(directory / digest)
        self._blobs.delete(digest)

    def sweep(self, referenced: Collection[str]) -> None:
        """At start: remove directories that are unfinished, or that nothing refers to. Blocks.

        After a reboot all go, to be unpacked anew: they are not synced to disk, so a power cut may have torn them.
        """
        boot = _BOOT_ID.read_text().strip()
        for directory in (self._packages, self._layersets):
            directory.mkdir(mode=0o755, parents=True, exist_ok=True)
            marker = directory / "boot_id"
            same_boot = marker.exists() and marker.read_text() == boot
            for path in directory.iterdir():
                if path.is_dir() and not (same_boot and path.name in referenced):
                    _discard(path)
            marker.write_text(boot)


def _build(target: Path, fill: Callable[[Path], None]) -> None:
    """Fill a directory beside `target`, then rename it: under its name it is whole or absent."""
    if target.exists():
        return
    draft = Path(tempfile.mkdtemp(prefix="unfinished-", dir=target.parent))
    try:
        fill(draft)
        draft.chmod(0o755)
        draft.rename(target)
    except BaseException:
        shutil.rmtree(draft)
        raise


def _merge_all(layers: Sequence[Path], draft: Path) -> None:
    for layer in layers:
        packages.merge(layer, draft)


def _discard(path: Path) -> None:
    """Remove a directory; it loses its name first, so that nobody finds half of it."""
    grave = Path(tempfile.mkdtemp(prefix="unfinished-", dir=path.parent))
    os.rename(path, grave / "removed")
    shutil.rmtree(grave)
