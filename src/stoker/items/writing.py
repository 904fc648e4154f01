"""One write: decided on the item that is there, then done. The decision reads and may refuse; doing it only writes."""

from dataclasses import dataclass

from sqlalchemy import Connection

from stoker.items import item_rows
from stoker.items.attribute_value import Item, item_size
from stoker.items.capacity import Consumed, write_consumption
from stoker.items.changes import note_change
from stoker.items.conditions import holds
from stoker.items.errors import ConditionalCheckFailed
from stoker.items.expression import Condition, Update
from stoker.items.item_rows import StoredItem
from stoker.items.keys import RowKey, check_index_keys, check_item_keys, checked_key, row_key
from stoker.items.table import Table
from stoker.items.updates import apply_update
from stoker.model.errors import ValidationException

MAX_ITEM_BYTES = 400 * 1024


@dataclass(frozen=True, kw_only=True)
class Write:
    """What is asked for: put `item`, or change (`update`), delete or only check the item of `key`.

    Expressions are bound, `item` is in its one form, `key` is as it came.
    """

    table: str
    item: Item | None = None
    key: Item | None = None
    update: Update | None = None
    is_check: bool = False
    condition: Condition | None = None
    shows_item_on_failure: bool = False


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What the write does: `old` is what is there, `new` what will be (None: nothing)."""

    table: Table
    key: RowKey
    old: Item | None
    new: Item | None
    is_check: bool = False

    @property
    def consumed(self) -> Consumed:
        return write_consumption(self.table, self.old, self.new)


def place(table: Table, write: Write) -> RowKey:
    """Where the item of a write stands; ValidationException for one that cannot be in this table."""
    return row_key(table, _named(table, write))


def _named(table: Table, write: Write) -> Item:
    if write.item is not None:
        check_item_keys(table, write.item)
        return write.item
    assert write.key is not None
    return checked_key(table, write.key)


def decide(conn: Connection, table: Table, write: Write) -> Decision:
    """Raises ConditionalCheckFailed or ValidationException for what is not to be done."""
    named = _named(table, write)
    key = row_key(table, named)
    stored = item_rows.find(conn, table, key)
    _check_condition(write, stored)
    old = None if stored is None else stored.item
    if write.is_check:
        return Decision(table=table, key=key, old=old, new=old, is_check=True)
    return Decision(table=table, key=key, old=old, new=_outcome(table, write, named, old))


def _check_condition(write: Write, stored: StoredItem | None) -> None:
    item = {} if stored is None else stored.item
    if write.condition is None or holds(write.condition, item):
        return
    if write.shows_item_on_failure and stored is not None:
        raise ConditionalCheckFailed(None, Item=item)
    raise ConditionalCheckFailed


def _outcome(table: Table, write: Write, named: Item, old: Item | None) -> Item | None:
    if write.item is not None:
        if item_size(write.item) > MAX_ITEM_BYTES:
            raise ValidationException("Item size has exceeded the maximum allowed size")
        return write.item
    if write.update is None:
        return None
    for action in write.update.actions:
        if action.path.parts[0] in table.key.names:
            raise ValidationException(
                f"One or more parameter values were invalid: Cannot update attribute {action.path.parts[0]}. "
                "This attribute is part of the key"
            )
    new = apply_update(write.update, named if old is None else old)
    if item_size(new) > MAX_ITEM_BYTES:
        raise ValidationException("Item size to update has exceeded the maximum allowed size")
    check_index_keys(table, new)
    return new


def act(conn: Connection, decision: Decision, *, now: float, expired: bool = False) -> None:
    """Write the item, its places in indexes and the stream's record."""
    table, old, new = decision.table, decision.old, decision.new
    if decision.is_check or (old is None and new is None):
        return
    if new is not None:
        item_rows.put(conn, table, decision.key, new, old)
    elif old is not None:
        item_rows.delete(conn, table, decision.key, old)
    note_change(conn, table, old, new, now=now, expired=expired)
