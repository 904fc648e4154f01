"""One of everything: what a table of requests makes on a live server, and the names by which it goes on.

In a table's params `"$name"` is what an earlier answer was kept as, also inside a text as `${name}`; a mapping with one
such key is a value that JSON has no words for: {"$zip": files}, {"$bytes": text}, {"$json": document}.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import jmespath

from fakes.zips import zip_of

_NAME = re.compile(r"\$\{(\w+)\}")
_WORDS: Mapping[str, Callable[[Any], Any]] = {
    "$zip": zip_of,
    "$bytes": str.encode,
    "$json": json.dumps,
}


class World:
    """What has been made, by the names that the table keeps it as, and some moments."""

    def __init__(self, now_s: float) -> None:
        now = int(now_s)
        self.kept: dict[str, Any] = {
            "now": now,
            "now_ms": now * 1000,
            "minute_ago_ms": (now - 60) * 1000,
            "hour_ago": now - 3600,
            "soon": now + 3600,
            "today": f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d}",
        }

    def keep(self, names: Mapping[str, str], answer: Any) -> None:
        """Keep what is at these paths of an answer; KeyError for what is not there."""
        for name, path in names.items():
            value = jmespath.search(path, answer)
            if value is None:
                raise KeyError(f"{name}: nothing is at {path} of {answer}")
            self.kept[name] = value

    def filled(self, value: Any) -> Any:
        """A value of the table, with what its names stand for."""
        if isinstance(value, str):
            if value.startswith("$") and value[1:] in self.kept:
                return self.kept[value[1:]]
            return _NAME.sub(lambda found: str(self.kept[found[1]]), value)
        if isinstance(value, list):
            return [self.filled(each) for each in value]
        if not isinstance(value, dict):
            return value
        filled = {self.filled(key): self.filled(each) for key, each in value.items()}
        word = next(iter(filled), "")
        return _WORDS[word](filled[word]) if word in _WORDS else filled
