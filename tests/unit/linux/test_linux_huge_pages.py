"""Huge pages for a memory file: the kernel says how many are mapped, and its content stays."""

import mmap
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.waiting import eventually
from stoker.linux import huge_pages
from stoker.linux.huge_pages import HUGE_PAGE_BYTES, PAGE_BYTES

CONTENT = os.urandom(HUGE_PAGE_BYTES)


@pytest.fixture
def file() -> Iterator[int]:
    file = os.memfd_create("tested")
    for number in range(3):
        os.pwrite(file, CONTENT, number * HUGE_PAGE_BYTES)
    yield file
    os.close(file)


def kernel_collects() -> bool:
    release = tuple(map(int, re.findall(r"\d+", os.uname().release)[:2]))
    return release >= (6, 1) and Path("/sys/kernel/mm/transparent_hugepage").exists()


@pytest.mark.skipif(not kernel_collects(), reason="memory files have huge pages on request since Linux 6.1")
def test_the_pieces_that_were_asked_for_are_huge_and_hold_what_they_held(file: int) -> None:
    os.truncate(file, 4 * HUGE_PAGE_BYTES)
    # The kernel refuses a page that somebody else looks at in that moment.
    eventually(lambda: huge_pages.collect(file, 4 * HUGE_PAGE_BYTES, [0, 2]) == {0, 2}, "both are huge")
    assert [os.pread(file, HUGE_PAGE_BYTES, number * HUGE_PAGE_BYTES) == CONTENT for number in range(3)] == [True] * 3
    # Nothing is left mapped that would keep the file from being sealed.
    assert "/memfd:tested" not in Path("/proc/self/maps").read_text()
    # The last piece stays the hole that it was.
    assert os.fstat(file).st_blocks * 512 == 3 * HUGE_PAGE_BYTES


def test_a_file_that_cannot_have_them_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "plain"
    path.write_bytes(CONTENT)
    with path.open("rb") as plain:
        assert huge_pages.collect(plain.fileno(), HUGE_PAGE_BYTES, [0]) <= {0}
    assert path.read_bytes() == CONTENT
    assert huge_pages.collect(-1, HUGE_PAGE_BYTES, [0]) == set()
    assert PAGE_BYTES == mmap.PAGESIZE
