"""What is said about a function when it is deployed: by options, and by `function.toml` beside its code.

```toml
name = "thumbnail"            # else the folder's name
runtime = "python3.13"        # else the newest that this machine has for this kind of code
handler = "app.handler"       # else found in the code
memory = 512                  # MB
timeout = 30                  # seconds
role = "arn:aws:iam::000000000000:role/thumbnails"
layers = ["arn:aws:lambda:us-east-1:000000000000:layer:fonts:1"]
[env]
QUALITY = "85"
```
"""

import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from stoker.cli.failures import CliError

FILE_NAME = "function.toml"


@dataclass(frozen=True, kw_only=True)
class FunctionSettings:
    """A function's configuration, None where nothing was said. Memory in MB, timeout in seconds."""

    name: str | None = None
    runtime: str | None = None
    handler: str | None = None
    memory: int | None = None
    timeout: int | None = None
    role: str | None = None
    layers: list[str] | None = None
    env: dict[str, str] | None = None

    def over(self, other: "FunctionSettings") -> "FunctionSettings":
        """These, completed by others where nothing was said; variables are joined one by one."""
        merged = {
            field.name: getattr(other, field.name) if getattr(self, field.name) is None else getattr(self, field.name)
            for field in fields(self)
        }
        if self.env is not None and other.env is not None:
            merged["env"] = {**other.env, **self.env}
        return replace(self, **merged)


_TYPES: dict[str, type] = {
    **dict.fromkeys(("name", "runtime", "handler", "role"), str),
    **dict.fromkeys(("memory", "timeout"), int),
    "layers": list,
    "env": dict,
}


def read_function_file(folder: Path | None) -> FunctionSettings:
    """`function.toml` of a folder; without one nothing is said. Raises CliError on what it cannot mean."""
    if folder is None or not (path := folder / FILE_NAME).is_file():
        return FunctionSettings()
    try:
        said = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise CliError(f"{path}: {error}") from None
    for key, value in said.items():
        _check(path, key, value)
    return FunctionSettings(**said)


def _check(path: Path, key: str, value: Any) -> None:
    if key not in _TYPES:
        raise CliError(f"{path}: there is no setting {key!r}; there are {', '.join(_TYPES)}.")
    if type(value) is not _TYPES[key]:
        raise CliError(f"{path}: {key} has to be {_describe(_TYPES[key])}, not {value!r}.")
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for member in members:
        if not isinstance(member, str):
            raise CliError(f"{path}: {key} holds {member!r}, which has to be a string: put it in quotes.")


def _describe(kind: type) -> str:
    return {str: "a string", int: "a whole number", list: "a list of strings", dict: "a table of strings"}[kind]


def parse_variables(assignments: list[str]) -> dict[str, str] | None:
    """`--env KEY=VALUE`, given any number of times."""
    variables = {}
    for assignment in assignments:
        key, separator, value = assignment.partition("=")
        if not key or not separator:
            raise CliError(f"--env {assignment}: write it as KEY=VALUE.")
        variables[key] = value
    return variables or None
