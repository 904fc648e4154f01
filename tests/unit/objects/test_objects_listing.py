"""Pages of a list: together they are the whole, whatever their size, and looking at few rows."""

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from stoker.objects.listing import From, read_page, start_after


@dataclass(frozen=True)
class Row:
    key: str
    tie: int = 0


class Table:
    """Sorted rows that count how many of them were looked at."""

    def __init__(self, keys: Sequence[str]) -> None:
        self.rows = sorted((Row(key) for key in keys), key=lambda row: row.key.encode())
        self.seen = 0

    def fetch(self, at: From, end: bytes | None, count: int) -> Sequence[Row]:
        found = [row for row in self.rows if (row.key.encode() > at.key if at.after else row.key.encode() >= at.key)]
        found = [row for row in found if end is None or row.key.encode() < end][:count]
        self.seen += len(found)
        return found


def naive(keys: Sequence[str], prefix: str, delimiter: str) -> list[str]:
    """What a list shows, in order: keys, and common prefixes."""
    shown: dict[str, None] = {}
    for key in sorted(keys, key=str.encode):
        if key.startswith(prefix):
            at = key.find(delimiter, len(prefix)) if delimiter else -1
            shown[key if at < 0 else key[: at + len(delimiter)]] = None
    return list(shown)


def pages(table: Table, prefix: str, delimiter: str, limit: int) -> list[str]:
    shown: list[str] = []
    marker: str | None = None
    while True:
        page = read_page(
            table.fetch, start_after(prefix, delimiter, marker), prefix=prefix, delimiter=delimiter, limit=limit
        )
        assert len(page.items) + len(page.prefixes) <= limit
        shown += sorted([*(row.key for row in page.items), *page.prefixes], key=str.encode)
        if page.last is None:
            return shown
        marker = page.last.key if isinstance(page.last, Row) else page.last


_KEYS = st.sets(st.text("a/b-\U0010ffff", min_size=1, max_size=6), max_size=40)


@given(_KEYS, st.sampled_from(["", "a", "a/", "/", "b-"]), st.sampled_from(["", "/", "/b", "-"]), st.integers(1, 5))
def test_pages_make_the_whole(keys: set[str], prefix: str, delimiter: str, limit: int) -> None:
    assert pages(Table([*keys]), prefix, delimiter, limit) == naive([*keys], prefix, delimiter)


def test_behind_a_common_prefix_nothing_is_looked_at() -> None:
    table = Table([f"{place}/{number:05}" for place in "abc" for number in range(2000)])
    page = read_page(table.fetch, start_after("", "/", None), prefix="", delimiter="/", limit=10)
    assert page.prefixes == ["a/", "b/", "c/"]
    assert table.seen <= 3 * 8
    table = Table([f"{number:05}" for number in range(2000)])
    assert len(read_page(table.fetch, start_after("", "/", None), prefix="", delimiter="/", limit=1000).items) == 1000
    assert table.seen <= 1001
