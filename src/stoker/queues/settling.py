"""Deleting received messages, and hiding them for longer or shorter: what a receipt still allows. Pure but for rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from stoker.queues import message_rows
from stoker.queues.errors import InvalidParameterValue, QueueError
from stoker.queues.message_rows import MessageRow
from stoker.queues.receipts import Receipt

MAX_VISIBILITY_S = 43_200


@dataclass(kw_only=True, slots=True, eq=False)
class Settling:
    """One wish for one message: to delete it, or to hide it for `visibility_s`. `outcome` is set when it is written."""

    receipt: Receipt
    handle: str
    generation: int
    fifo: bool
    visibility_s: int | None = None
    outcome: "Settled | None" = None


class Settled(Struct, frozen=True, kw_only=True):
    """What became of it: the row as it was, until when it is hidden now (None: deleted), or the caller's error."""

    row: MessageRow | None = None
    hidden_until: float | None = None
    error: QueueError | None = None


def settle(conn: Connection, wishes: Sequence[Settling], now: float) -> list[Settled]:
    """Carry out wishes in their order, in one transaction."""
    rows = message_rows.find(conn, list({wish.receipt.message for wish in wishes}))
    settled = [_decide(wish, rows, now) for wish in wishes]
    changed = [each for each in settled if each.error is None and each.row is not None]
    gone = [each.row.id for each in changed if each.row is not None and each.hidden_until is None]
    message_rows.delete(conn, gone)
    hidden = {
        each.row.id: each.hidden_until for each in changed if each.row is not None and each.hidden_until is not None
    }
    message_rows.hide(conn, {row: until for row, until in hidden.items() if row not in gone})
    for generation, group in _groups(changed, wishes, settled):
        message_rows.settle_group(conn, generation, group)
    return settled


def _decide(wish: Settling, rows: dict[int, MessageRow], now: float) -> Settled:
    row = rows.get(wish.receipt.message)
    if row is not None and row.generation != wish.generation:
        row = None
    latest = row is not None and row.receive_count == wish.receipt.count
    if wish.visibility_s is None:
        return _decide_delete(wish, row if latest else None, rows, now)
    if row is None or not latest or row.visible_at <= now:
        return Settled(error=_not_available(wish))
    until = now + wish.visibility_s
    if row.received_at is not None and until > row.received_at + MAX_VISIBILITY_S + 1:
        reason = f"Total VisibilityTimeout for the message is beyond the limit [{MAX_VISIBILITY_S} seconds]"
        return Settled(error=InvalidParameterValue.of("VisibilityTimeout", wish.visibility_s, reason))
    rows[row.id] = _hidden(row, until)
    return Settled(row=row, hidden_until=until)


def _decide_delete(wish: Settling, row: MessageRow | None, rows: dict[int, MessageRow], now: float) -> Settled:
    """A message that is gone, or was received again since, is not deleted, and nobody is told."""
    if row is None:
        return Settled()
    if wish.fifo and row.visible_at <= now:
        reason = "The receipt handle has expired."
        return Settled(error=InvalidParameterValue.of("ReceiptHandle", wish.handle, reason))
    del rows[row.id]
    return Settled(row=row)


def _not_available(wish: Settling) -> QueueError:
    reason = "Message does not exist or is not available for visibility timeout change."
    return InvalidParameterValue.of("ReceiptHandle", wish.handle, reason)


def _hidden(row: MessageRow, until: float) -> MessageRow:
    return replace(row, visible_at=until)


def _groups(
    changed: Sequence[Settled], wishes: Sequence[Settling], settled: Sequence[Settled]
) -> Mapping[tuple[int, str], None]:
    fifo = {id(each) for each, wish in zip(settled, wishes, strict=True) if wish.fifo}
    return {
        (each.row.generation, each.row.group_id): None
        for each in changed
        if id(each) in fifo and each.row is not None and each.row.group_id is not None
    }
