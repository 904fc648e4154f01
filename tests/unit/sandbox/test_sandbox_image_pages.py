"""Which parts of an image are worth a huge page, and where a process looks to have them mapped."""

from collections.abc import Iterable

import pytest

from stoker.linux import huge_pages
from stoker.linux.huge_pages import FAULT_BYTES, HUGE_PAGE_BYTES, PAGE_BYTES
from stoker.sandbox.image_pages import LEAST_FILLED_BYTES, MAX_HUGE_PAGES, ImagePages
from stoker.sandbox.image_table import POPULATE_READ

ADDRESS = 0x7F00_0000_5000


class Kernel:
    """Makes every piece huge that it is asked for, but for those that it refuses."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.refused: set[int] = set()

    def collect(self, file: int, size: int, numbers: Iterable[int]) -> set[int]:
        assert size % HUGE_PAGE_BYTES == 0
        self.asked += numbers
        return set(self.asked) - self.refused


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    kernel = Kernel()
    monkeypatch.setattr(huge_pages, "collect", kernel.collect)
    return kernel


def test_a_piece_with_little_in_it_is_left_as_it_is(kernel: Kernel) -> None:
    pages = ImagePages()
    pages.fill(0, LEAST_FILLED_BYTES - PAGE_BYTES)
    pages.fill(HUGE_PAGE_BYTES + PAGE_BYTES, HUGE_PAGE_BYTES)
    pages.fill(4 * HUGE_PAGE_BYTES, LEAST_FILLED_BYTES)
    added = pages.collect(-1, 5 * HUGE_PAGE_BYTES - PAGE_BYTES)
    assert kernel.asked == [1, 4]
    assert added == PAGE_BYTES + HUGE_PAGE_BYTES - LEAST_FILLED_BYTES


def test_one_page_of_all_that_a_fault_maps_is_looked_at(kernel: Kernel) -> None:
    pages = ImagePages()
    pages.fill(0, HUGE_PAGE_BYTES)
    pages.collect(-1, HUGE_PAGE_BYTES)
    looks = list(pages.looks(ADDRESS, 2 * FAULT_BYTES, 3 * PAGE_BYTES))
    # A mapping begins where it likes, what a fault maps does not.
    first = ADDRESS // FAULT_BYTES * FAULT_BYTES
    assert looks == [
        (address, PAGE_BYTES, POPULATE_READ) for address in (ADDRESS, first + FAULT_BYTES, first + 2 * FAULT_BYTES)
    ]


def test_what_is_in_small_pages_is_not_looked_at(kernel: Kernel) -> None:
    kernel.refused = {1}
    pages = ImagePages()
    pages.fill(0, 2 * HUGE_PAGE_BYTES)
    assert pages.collect(-1, 2 * HUGE_PAGE_BYTES) == 0
    aligned = ADDRESS // HUGE_PAGE_BYTES * HUGE_PAGE_BYTES
    looked_at = [address for address, _, _ in pages.looks(aligned, 3 * HUGE_PAGE_BYTES, 0)]
    assert looked_at == list(range(aligned, aligned + HUGE_PAGE_BYTES, FAULT_BYTES))


def test_a_large_image_takes_a_bounded_time(kernel: Kernel) -> None:
    pages = ImagePages()
    pages.fill(0, 2 * MAX_HUGE_PAGES * HUGE_PAGE_BYTES)
    pages.collect(-1, 2 * MAX_HUGE_PAGES * HUGE_PAGE_BYTES)
    assert kernel.asked == list(range(MAX_HUGE_PAGES))
    looks = list(pages.looks(ADDRESS, 2 * MAX_HUGE_PAGES * HUGE_PAGE_BYTES, 0))
    assert len(looks) == MAX_HUGE_PAGES * HUGE_PAGE_BYTES // FAULT_BYTES + 1
