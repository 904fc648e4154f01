"""Transactions: all writes are decided before the first is done; a client's token makes one happen once."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.items import writing
from stoker.items.attribute_value import item_size
from stoker.items.capacity import Rationing
from stoker.items.errors import (
    ConditionalCheckFailed,
    IdempotentParameterMismatch,
    ProvisionedThroughputExceeded,
    TransactionCanceled,
)
from stoker.items.keys import RowKey
from stoker.items.table import Table
from stoker.items.writing import Decision, Write
from stoker.model.errors import ValidationException
from stoker.store.tables_items import item_transactions

TOKEN_LIFE_S = 600.0
MAX_TRANSACTION_BYTES = 4 * 1024 * 1024
_transactions = item_transactions.c


@dataclass(frozen=True, kw_only=True)
class Token:
    """A client's name for a transaction, and what the transaction was made of."""

    token: str
    digest: bytes


def decide_all(conn: Connection, writes: Sequence[tuple[Table, Write]], rationing: Rationing) -> Sequence[Decision]:
    """Decisions for all, or TransactionCanceled with each one's reason."""
    _refuse_twice(writes)
    decisions: list[Decision] = []
    reasons: list[Mapping[str, Any]] = []
    for table, write in writes:
        try:
            rationing.admit(table, None, read=False)
            decisions.append(writing.decide(conn, table, write))
            reasons.append({"Code": "None"})
        except ConditionalCheckFailed as error:
            reasons.append({"Code": "ConditionalCheckFailed", "Message": error.message, **error.members})
        except ProvisionedThroughputExceeded as error:
            reasons.append({"Code": "ProvisionedThroughputExceeded", "Message": error.message})
        except ValidationException as error:
            reasons.append({"Code": "ValidationError", "Message": error.message})
    if len(decisions) < len(writes):
        codes = ", ".join(reason["Code"] for reason in reasons)
        raise TransactionCanceled(f"{TransactionCanceled.__doc__} [{codes}]", CancellationReasons=reasons)
    if sum(item_size(each.new) for each in decisions if each.new is not None) > MAX_TRANSACTION_BYTES:
        raise ValidationException("Transaction request size has exceeded the maximum allowed size of 4 MB")
    return decisions


def _refuse_twice(writes: Sequence[tuple[Table, Write]]) -> None:
    """Whatever the conditions say, no item is written twice; one that cannot be written at all is told as a reason."""
    places = set[tuple[int, RowKey]]()
    for table, write in writes:
        with contextlib.suppress(ValidationException):
            place = (table.id, writing.place(table, write))
            if place in places:
                break
            places.add(place)
    else:
        return
    raise ValidationException("Transaction request cannot include multiple operations on one item")


def was_done(conn: Connection, region: str, token: Token, *, now: float) -> bool:
    """Whether a transaction with this token was done lately; IdempotentParameterMismatch if it was another one."""
    query = sa.select(_transactions.digest).where(
        _transactions.region == region, _transactions.token == token.token, _transactions.done_at > now - TOKEN_LIFE_S
    )
    digest = conn.scalar(query)
    if digest is not None and digest != token.digest:
        raise IdempotentParameterMismatch
    return digest is not None


def note_done(conn: Connection, region: str, token: Token, *, now: float) -> None:
    """Keep the token with the transaction itself, and let go of those that are too old."""
    conn.execute(sa.delete(item_transactions).where(_transactions.done_at <= now - TOKEN_LIFE_S))
    values = {"region": region, "token": token.token, "digest": token.digest, "done_at": now}
    conn.execute(sa.insert(item_transactions).values(**values))
