"""package.json: what it lists, and how npm installs it beside the code."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from stoker.cli.failures import CliError
from stoker.cli.installers import run_tool

FILE_NAME = "package.json"
LOCK_NAMES = ("package-lock.json", "npm-shrinkwrap.json")
MODULES = "node_modules"

_LOCAL = ("file:", "link:", ".", "/", "workspace:")


@dataclass(frozen=True, kw_only=True)
class Package:
    """The files that decide what npm installs: package.json, then its lock and npm's settings where they are."""

    files: tuple[Path, ...]

    @property
    def locked(self) -> bool:
        return any(path.name in LOCK_NAMES for path in self.files)


def read_package(folder: Path) -> Package | None:
    """The folder's package; None when there is none, or it needs nothing, or `npm install` was for its owner to do."""
    path = folder / FILE_NAME
    if not path.is_file():
        return None
    try:
        needed = json.loads(path.read_text()).get("dependencies") or {}
    except (ValueError, AttributeError) as error:
        raise CliError(f"{path} is no JSON object: {error}") from None
    if not needed:
        return None
    if any(str(version).startswith(_LOCAL) for version in needed.values()):
        # Only in the folder itself do such paths lead anywhere: its own node_modules is packed as it is.
        if not (folder / MODULES).is_dir():
            raise CliError(f"{path} lists packages by their path: run `npm install --omit=dev` in {folder} first.")
        return None
    present = (folder / name for name in (FILE_NAME, *LOCK_NAMES, ".npmrc"))
    return Package(files=tuple(file for file in present if file.is_file()))


def install(package: Package, place: Path) -> None:
    """Make `node_modules` in a folder. Raises CliError with npm's last words, or saying that there is no npm."""
    if shutil.which("npm") is None:
        raise CliError(f"There is no npm to install {FILE_NAME} with: `apt install npm`.")
    for file in package.files:
        shutil.copyfile(file, place / file.name)
    quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
    run_tool("npm", ["npm", "ci" if package.locked else "install", "--omit=dev", *quiet], place)
    for left in [entry for entry in place.iterdir() if entry.name != MODULES]:
        left.unlink()
