"""`stoker init`: a folder to begin with, which can be deployed as it is."""

import shlex
import string
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from stoker.cli import screen
from stoker.cli.failures import CliError
from stoker.cli.source import function_title
from stoker.model.sample_event import sample_event

_FOLDER = Path(__file__).with_name("templates")
# Beside the code, for people; what is not code stays out of the package.
_STAYS_HERE = "README.md\nevent.json\n"


class Template(StrEnum):
    """What a new function is to do; each a folder in `templates`."""

    HELLO = "hello"
    API = "api"
    QUEUE_WORKER = "queue-worker"
    THUMBNAIL = "thumbnail"
    SCHEDULE = "schedule"


# The event that a template is tried with; the others bring one of their own.
_SAMPLES = {Template.HELLO: "hello", Template.QUEUE_WORKER: "sqs", Template.SCHEDULE: "schedule"}


def init(
    path: Annotated[Path, typer.Argument(metavar="NAME", help="The new folder; its name becomes the function's.")],
    template: Annotated[Template, typer.Option(help="What the function is to do.")] = Template.HELLO,
) -> None:
    """Write a small function to begin with."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise CliError(f"{path} is there already. Name a folder that is not, or is empty.")
    path.mkdir(parents=True, exist_ok=True)
    for name, text in sorted(files_of(template, path).items()):
        (path / name).write_text(text)
        print(path / name)
    title = function_title(path)
    said = shlex.quote(str(path))
    screen.say(f"Deploy it: stoker deploy {said}", style="dim")
    screen.say(f"Call it: stoker invoke {title} --payload-file {said}/event.json", style="dim")
    screen.say(f"Or work on it, with each change deployed: stoker dev {said}", style="dim")


def files_of(template: Template, path: Path) -> Mapping[str, str]:
    """The files of a new function by their names; the README speaks of this folder."""
    # `app.py.txt`: what is to run in functions is no module of this package.
    texts = {file.name.replace(".py.txt", ".py"): file.read_text() for file in (_FOLDER / template).iterdir()}
    if template in _SAMPLES:
        texts["event.json"] = sample_event(_SAMPLES[template])
    words = {"name": function_title(path), "path": shlex.quote(str(path))}
    return {
        **texts,
        "README.md": string.Template(texts["README.md"]).substitute(words),
        ".stokerignore": _STAYS_HERE,
    }
