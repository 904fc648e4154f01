"""The reference in docs/ is what the code says, and the pages' links lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"])
_LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(#[^)]*)?\)|srcset=\"([^\"]+)\"|src=\"([^\"]+)\"")


@pytest.mark.parametrize("tool", ["tools/reference", "tools/pictures.py"])
def test_what_is_made_by_a_tool_is_as_it_makes_it(tool: str) -> None:
    done = subprocess.run([sys.executable, tool, "--check"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    targets = {next(filter(None, (link[0], link[2], link[3])), "") for link in _LINK.findall(page.read_text())}
    own = {target for target in targets if target and "://" not in target}
    assert sorted(target for target in own if not (page.parent / target).exists()) == []
