"""JSON paths as mapping templates and parameter mappings write them. Pure.

A path of one place gives what is there, or None; others give a list. Regular expressions in filters are not there: a
path is somebody else's, and Python's would run for as long as it likes.
"""

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonpath import JSONPath, JSONPathEnvironment
    from jsonpath.path import CompoundJSONPath


class JsonPathError(Exception):
    """It is no JSON path, or not one that is understood here."""


def find(path: str, value: Any) -> Any:
    """What is at a path, None if nothing is; raises JsonPathError."""
    from jsonpath import JSONPath, JSONPathError

    try:
        compiled = _compile(path if path.startswith("$") else f"$.{path}")
        found = compiled.findall(value)
    except JSONPathError as error:
        raise JsonPathError(f"Invalid JSON path {path}: {error}") from None
    if isinstance(compiled, JSONPath) and compiled.singular_query():
        return found[0] if found else None
    return found


@lru_cache(maxsize=1024)
def _compile(path: str) -> "JSONPath | CompoundJSONPath":
    return _environment().compile(path)


@cache
def _environment() -> "JSONPathEnvironment":
    """Made when it is first needed: the library takes 100 ms to load."""
    from jsonpath import JSONPathEnvironment

    class Environment(JSONPathEnvironment):
        max_int_index = 2**31
        min_int_index = -(2**31)

        def setup_function_extensions(self) -> None:
            """None: match and search take patterns."""

        def compare(self, left: object, operator: str, right: object) -> bool:
            if operator == "=~":
                raise JsonPathError("regular expressions are not there in JSON paths")
            return bool(super().compare(left, operator, right))

    return Environment()
