"""Access logs: a line for each request, in the format that the stage says. Pure.

Source: "Customize HTTP API access logs" in the API Gateway Developer Guide.
"""

import re
from collections.abc import Callable, Sequence

_VARIABLE = re.compile(r"\$context\.([A-Za-z0-9_.-]*[A-Za-z0-9_-])")

Line = Sequence[str]
"""A format: text and variables' names in turns."""


def parse_format(text: str) -> Line:
    """A format, to be filled for each request. AWS wants it on one line."""
    parts, end = [], 0
    text = text.replace("\r", " ").replace("\n", " ").rstrip()
    for found in _VARIABLE.finditer(text):
        parts += [text[end : found.start()], found[1]]
        end = found.end()
    return [*parts, text[end:]]


def write_line(line: Line, value: Callable[[str], str | None]) -> str:
    """A dash for what has no value. What a client wrote can end no line and no JSON string."""
    written = (part if at % 2 == 0 else _quoted(value(part)) for at, part in enumerate(line))
    return "".join(written)


def _quoted(value: str | None) -> str:
    if value is None or value == "":
        return "-"
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "\\r").replace("\n", "\\n")
