"""Receipt handles: which message, as it was received which time, under a seal that only this platform makes."""

import base64
import binascii
import hmac
import struct

from msgspec import Struct

from stoker.queues.errors import ReceiptHandleIsInvalid

# Handles begin with AQEB, as AWS's do.
_FORM = struct.Struct(">3sQQI")
_MARK = b"\x01\x01\x01"
_SEAL_BYTES = 16


class Receipt(Struct, frozen=True, kw_only=True):
    """One receive of one message: a later one has a higher count, and makes this one old."""

    queue_id: int
    message: int
    count: int


class Receipts:
    """Makes and reads handles. `key` is the platform's own for this."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def handle(self, receipt: Receipt) -> str:
        packed = _FORM.pack(_MARK, receipt.queue_id, receipt.message, receipt.count)
        return base64.b64encode(packed + self._seal(packed)).decode("ascii")

    def read(self, handle: str, queue_id: int) -> Receipt:
        """Raises ReceiptHandleIsInvalid for what was not made here, or for another queue."""
        try:
            raw = base64.b64decode(handle, validate=True)
        except (binascii.Error, ValueError):
            raise ReceiptHandleIsInvalid.of(handle) from None
        packed, seal = raw[: _FORM.size], raw[_FORM.size :]
        if len(packed) != _FORM.size or not hmac.compare_digest(self._seal(packed), seal):
            raise ReceiptHandleIsInvalid.of(handle)
        _, queue, message, count = _FORM.unpack(packed)
        if queue != queue_id:
            raise ReceiptHandleIsInvalid.of(handle)
        return Receipt(queue_id=queue, message=message, count=count)

    def _seal(self, packed: bytes) -> bytes:
        return hmac.digest(self._key, packed, "sha256")[:_SEAL_BYTES]
