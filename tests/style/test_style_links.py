"""The pages' links lead somewhere. That the reference is what the code says, `make check` sees to."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"])
_LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(#[^)]*)?\)|srcset=\"([^\"]+)\"|src=\"([^\"]+)\"")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    targets = {next(filter(None, (link[0], link[2], link[3])), "") for link in _LINK.findall(page.read_text())}
    own = {target for target in targets if target and "://" not in target}
    assert sorted(target for target in own if not (page.parent / target).exists()) == []
