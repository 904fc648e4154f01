"""Each promise names tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", (ROOT / "SPECIFICATION.md").read_text())))
ROWS = [line for line in (ROOT / "SPECIFICATION.md").read_text().splitlines() if line.startswith("| ")]


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_a_promise_s_test_exists(file: str, test: str) -> None:
    assert f"def {test}(" in (ROOT / "tests" / file).read_text()


def test_every_promise_is_held_by_something() -> None:
    promises = [row for row in ROWS if not row.startswith(("| promise", "|---"))]
    assert len(promises) > 30
    assert [row for row in promises if ".py" not in row and "`bench`" not in row] == []
