"""The event that an invocation sends, and the files that travel in it and in its answer as base64."""

import base64
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stoker.cli.failures import CliError
from stoker.model.sample_event import TITLES, sample_event

STDIN = "-"
_FILE = re.compile(r"(?:@|fileb?://)(.+)")


def read_event(payload: str | None, payload_file: Path | None, sample: str | None = None) -> str:
    """The event's JSON: as said, from a file, from stdin for `-`, or a sample; `{}` when nothing was said."""
    if [payload, payload_file, sample].count(None) < 2:
        raise CliError("Give the event with --payload, with --payload-file or with --event: one of them.")
    if sample is not None:
        return _sample(sample)
    if STDIN in (payload, str(payload_file)):
        text = sys.stdin.read()
    elif payload_file is not None:
        text = payload_file.read_text()
    else:
        text = payload if payload is not None else "{}"
    if payload is not None and (named := _FILE.fullmatch(payload)) is not None:
        # Which curl and the AWS CLI read.
        raise CliError(f"For the event that a file holds say --payload-file {named[1]}.")
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise CliError(f"The event is no JSON: {error}. A plain string needs its quotes: '\"like this\"'.") from None
    return text


def _sample(name: str) -> str:
    if name not in TITLES:
        raise CliError(f"There is no sample event {name!r}; there are {', '.join(TITLES)}.")
    return sample_event(name)


def with_files(event: str, assignments: Sequence[str]) -> str:
    """The event with the base64 of a file under each `KEY=PATH`."""
    if not assignments:
        return event
    members = json.loads(event)
    if not isinstance(members, dict):
        raise CliError("--file puts a member into the event, which has to be a JSON object for that.")
    for key, path in map(_split, assignments):
        members[key] = base64.b64encode(path.read_bytes()).decode()
    return json.dumps(members)


def save_files(answer: Any, assignments: Sequence[str]) -> Any:
    """Write members of the answer to files, by `KEY=PATH`; gives back the answer with a word in their place."""
    for key, path in map(_split, assignments):
        if not isinstance(answer, dict) or not isinstance(answer.get(key), str):
            raise CliError(f"The answer has no text under {key!r} that could be saved to {path}.")
        try:
            content = base64.b64decode(answer[key], validate=True)
        except ValueError:
            raise CliError(f"What the answer has under {key!r} is no base64: {answer[key][:40]!r}.") from None
        path.write_bytes(content)
        answer = {**answer, key: f"({len(content):,} bytes, saved to {path})"}
    return answer


def _split(assignment: str) -> tuple[str, Path]:
    key, separator, path = assignment.partition("=")
    if not key or not separator or not path:
        raise CliError(f"{assignment!r}: write it as KEY=PATH.")
    return key, Path(path)
