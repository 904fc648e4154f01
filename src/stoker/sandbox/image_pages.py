"""An image's memory in huge pages, so that all of it can be mapped ahead for little. See `linux.huge_pages`."""

from collections import Counter
from collections.abc import Iterator

from stoker.linux import huge_pages
from stoker.linux.huge_pages import FAULT_BYTES, HUGE_PAGE_BYTES
from stoker.sandbox.image_table import POPULATE_READ, Advice

# The holes of a piece that has as much in it may be filled: an image grows by a third at most.
LEAST_FILLED_BYTES = HUGE_PAGE_BYTES * 3 // 4
# 256 MB: half a second once for a template, and 8 ms for each process that comes of it.
MAX_HUGE_PAGES = 128


class ImagePages:
    """What of an image in the making is filled, and then which parts of it are in huge pages."""

    def __init__(self) -> None:
        self._filled: Counter[int] = Counter()
        self._huge: set[int] = set()

    def fill(self, offset: int, size: int) -> None:
        """So much was written there, for the first time."""
        while size:
            number, place = divmod(offset, HUGE_PAGE_BYTES)
            part = min(size, HUGE_PAGE_BYTES - place)
            self._filled[number] += part
            offset, size = offset + part, size - part

    def collect(self, image: int, size: int) -> int:
        """Put what is worth it into huge pages, where the machine has any; returns how many bytes that has added."""
        worth = [number for number, filled in sorted(self._filled.items()) if filled >= LEAST_FILLED_BYTES]
        whole = -(-size // HUGE_PAGE_BYTES) * HUGE_PAGE_BYTES
        self._huge = huge_pages.collect(image, whole, worth[:MAX_HUGE_PAGES])
        return sum(HUGE_PAGE_BYTES - self._filled[number] for number in self._huge)

    def looks(self, address: int, size: int, offset: int) -> Iterator[Advice]:
        """Reads of single pages that map all of what lies at `offset` in huge pages, where it is put at `address`."""
        end = address + size
        while address < end:
            next_address = min(end, (address // FAULT_BYTES + 1) * FAULT_BYTES)
            if offset // HUGE_PAGE_BYTES in self._huge:
                yield address, huge_pages.PAGE_BYTES, POPULATE_READ
            address, offset = next_address, offset + next_address - address
