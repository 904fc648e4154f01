"""The MD5s that clients compare: of a body, and of message attributes.

Source: "Calculating the MD5 message digest for message attributes" in the SQS Developer Guide.
"""

import hashlib
import struct
from collections.abc import Mapping

from stoker.queues.message import MessageAttribute

_TEXT, _DATA = b"\x01", b"\x02"


def body_md5(body: str) -> str:
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()


def attributes_md5(attributes: Mapping[str, MessageAttribute]) -> str | None:
    """Over names, types and values in the order of the names; None where there are no attributes."""
    if not attributes:
        return None
    digest = hashlib.md5(usedforsecurity=False)
    for name in sorted(attributes):
        attribute = attributes[name]
        digest.update(_prefixed(name.encode()) + _prefixed(attribute.data_type.encode()))
        if attribute.data is not None:
            digest.update(_DATA + _prefixed(attribute.data))
        else:
            digest.update(_TEXT + _prefixed((attribute.text or "").encode()))
    return digest.hexdigest()


def _prefixed(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data
