"""The how-tos' commands, run as they stand there, page by page."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.command_line import compiling
from fakes.live_server import LiveServer

pytestmark = [pytest.mark.root, pytest.mark.slow]

GUIDES = Path(__file__).parents[2] / "docs" / "guides"
# A file that a page shows is named in the line before it.
_BLOCK = re.compile(r"(<!-- not run here: [^>]+-->\n|`([\w./-]+)`:\n\n)?```(\w+)\n(.*?)```", re.DOTALL)


def steps(page: Path) -> str:
    """One script of all that a page has its reader do."""
    script = []
    for before, name, language, text in _BLOCK.findall(page.read_text()):
        if name:
            script.append(f"mkdir -p $(dirname {name})\ncat > {name} <<'END-OF-FILE'\n{text}END-OF-FILE\n")
        elif language == "sh" and not before:
            script.append(text)
    return "\n".join(script)


RUN = [page for page in sorted(GUIDES.glob("*.md")) if steps(page)]


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_a_page_s_commands_do_what_it_says(page: Path, live_server: LiveServer, tmp_path: Path) -> None:
    nowhere = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_PAGER": ""}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-x", "-c", steps(page)],
        cwd=tmp_path,
        env={**compiling(live_server.env), **nowhere, "PATH": path},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
