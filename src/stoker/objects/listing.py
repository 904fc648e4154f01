"""Pages of a list: keys in their order, with those that share a prefix up to a delimiter rolled up into one.

Pure but for `Fetch`. A page looks at what it shows: behind a common prefix it goes on where the next one may begin.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

MAX_KEYS = 1000
# Rows that are fetched at once while a delimiter is looked for: few behind a common prefix, for there may be many, and
# twice as many each time that none was found.
_FEWEST = 8


class HasKey(Protocol):
    """A row of a list. `tie` orders the rows of one key."""

    @property
    def key(self) -> str: ...

    @property
    def tie(self) -> int | str: ...


T = TypeVar("T", bound=HasKey)


@dataclass(frozen=True, kw_only=True)
class From:
    """Where to go on: at a key, or after it; with a `tie` after that one of the key's rows."""

    key: bytes
    after: bool = False
    tie: int | str | None = None


Fetch = Callable[[From, bytes | None, int], Sequence[T]]
"""Takes where to begin, the key at which to end (exclusive; None: never) and how many at most."""


@dataclass(frozen=True, kw_only=True)
class Page(Generic[T]):
    """`items` and `prefixes` in their order; `next` is the last of both, if there is more."""

    items: Sequence[T]
    prefixes: Sequence[str]
    last: T | str | None = None

    @property
    def truncated(self) -> bool:
        return self.last is not None


def after_prefix(prefix: bytes) -> bytes | None:
    """The first key that is behind all that begin with `prefix`; None if there is none."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1]) if kept else None


def start_after(prefix: str, delimiter: str, marker: str | None) -> From | None:
    """Where a list goes on behind a marker, which may be a common prefix; None where nothing can come."""
    low = prefix.encode()
    if not marker:
        return From(key=low)
    if delimiter and marker.startswith(prefix) and _rolled_up(marker, prefix, delimiter) == marker:
        behind = after_prefix(marker.encode())
        return None if behind is None else From(key=max(low, behind))
    key = marker.encode()
    return From(key=low) if key < low else From(key=key, after=True)


def read_page(fetch: Fetch[T], start: From | None, *, prefix: str, delimiter: str, limit: int) -> Page[T]:
    """One page of at most `limit` items and common prefixes."""
    items: list[T] = []
    prefixes: list[str] = []
    last: T | str | None = None
    end = after_prefix(prefix.encode())
    step = _FEWEST
    while start is not None:
        wanted = limit - len(items) - len(prefixes) + 1
        count = min(wanted, step) if delimiter else wanted
        rows = fetch(start, end, count)
        start = None
        skipped: str | None = None
        for row in rows:
            if skipped is not None and row.key.startswith(skipped):
                continue
            skipped = None
            if len(items) + len(prefixes) == limit:
                return Page(items=items, prefixes=prefixes, last=last)
            rolled = _rolled_up(row.key, prefix, delimiter) if delimiter else None
            if rolled is None:
                items.append(row)
                last = row
            else:
                prefixes.append(rolled)
                last = skipped = rolled
        if len(rows) == count:
            start = _behind(rows[-1], skipped)
            step = step * 2 if skipped is None else _FEWEST
    return Page(items=items, prefixes=prefixes)


def _behind(row: HasKey, skipped: str | None) -> From | None:
    if skipped is not None:
        key = after_prefix(skipped.encode())
        return None if key is None else From(key=key)
    return From(key=row.key.encode(), after=True, tie=row.tie)


def _rolled_up(key: str, prefix: str, delimiter: str) -> str | None:
    """The common prefix that a key belongs to."""
    at = key.find(delimiter, len(prefix))
    return None if at < 0 else key[: at + len(delimiter)]
