"""Write docs/reference from the code, or with `--check` say which page is not as the code has it (status 1).

.venv/bin/python tools/reference
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from command_line import command_line
from errors import errors
from limits import limits
from log_lines import log_lines
from metrics import metrics
from operations import operations
from sources import sources

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
PAGES: Mapping[str, Callable[[], str]] = {
    "operations.md": operations,
    "command-line.md": command_line,
    "limits.md": limits,
    "errors.md": errors,
    "event-sources.md": sources,
    "log-lines.md": log_lines,
    "metrics.md": metrics,
}
NOTE = "*Made from the code by `tools/reference`; a test holds it to that. To change it, change the code.*\n"


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true")
    check = arguments.parse_args().check
    stale = []
    for name, write in PAGES.items():
        title, _, text = write().partition("\n")
        page = f"{title}\n\n{NOTE}{text}"
        path = FOLDER / name
        if check and (not path.exists() or path.read_text() != page):
            stale.append(name)
        elif not check:
            path.write_text(page)
    if stale:
        print(f"not as the code is: {', '.join(stale)}. Run: .venv/bin/python tools/reference", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
