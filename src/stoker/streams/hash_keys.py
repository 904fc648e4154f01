"""Which shard a record goes to: the MD5 of its partition key, a number of 128 bits, in one shard's range. Pure."""

import hashlib
from collections.abc import Sequence
from itertools import pairwise

from stoker.streams.errors import InvalidArgument

KEYS = 1 << 128
LAST_KEY = KEYS - 1


def hash_key(partition_key: str, explicit: str | None) -> int:
    """The number that says where a record belongs."""
    if explicit is None:
        return int.from_bytes(hashlib.md5(partition_key.encode(), usedforsecurity=False).digest(), "big")
    key = int(explicit)
    if key > LAST_KEY:
        raise InvalidArgument(
            "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. "
            f"Specified value was {explicit}"
        )
    return key


def even_ranges(count: int) -> Sequence[tuple[int, int]]:
    """All keys in so many ranges, first and last key of each."""
    bounds = [KEYS * place // count for place in range(count + 1)]
    return [(first, after - 1) for first, after in pairwise(bounds)]
