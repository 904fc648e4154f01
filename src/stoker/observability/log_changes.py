"""What is changed in the logs besides appending: plain functions of a connection, for `Telemetry.change`."""

import json
import sqlite3
from collections.abc import Mapping

DAY_MS = 24 * 3600 * 1000
# Chunks of one step of the retention sweep: some 50 ms of the writer, so that the journal is drained in between.
EXPIRED_PER_STEP = 500


def create_group(
    connection: sqlite3.Connection, *, region: str, name: str, now_ms: int, log_class: str, tags: Mapping[str, str]
) -> bool:
    """Whether it was made; False if the region has one of that name."""
    return (
        connection.execute(
            "INSERT OR IGNORE INTO log_groups (region, name, created_ms, log_class, tags) VALUES (?, ?, ?, ?, ?)",
            (region, name, now_ms, log_class, json.dumps(tags)),
        ).rowcount
        == 1
    )


def delete_group(connection: sqlite3.Connection, group_id: int) -> None:
    """The group, its streams and their events."""
    connection.execute("DELETE FROM log_chunks WHERE group_id = ?", (group_id,))
    connection.execute("DELETE FROM log_groups WHERE id = ?", (group_id,))


def create_stream(connection: sqlite3.Connection, *, group_id: int, name: str, now_ms: int) -> bool:
    """Whether it was made; False if the group has one of that name."""
    query = "INSERT OR IGNORE INTO log_streams (group_id, name, created_ms) VALUES (?, ?, ?)"
    return connection.execute(query, (group_id, name, now_ms)).rowcount == 1


def delete_stream(connection: sqlite3.Connection, group_id: int, stream_id: int) -> None:
    """The stream and its events."""
    query = "DELETE FROM log_chunks WHERE stream_id = ? RETURNING stored_bytes"
    _forget_bytes(connection, group_id, connection.execute(query, (stream_id,)).fetchall())
    connection.execute("DELETE FROM log_streams WHERE id = ?", (stream_id,))


def set_retention(connection: sqlite3.Connection, group_id: int, days: int | None) -> None:
    """Keep events so many days, None for ever; the sweep removes what is older."""
    connection.execute("UPDATE log_groups SET retention_days = ? WHERE id = ?", (days, group_id))


def set_tags(connection: sqlite3.Connection, group_id: int, tags: Mapping[str, str]) -> None:
    connection.execute("UPDATE log_groups SET tags = ? WHERE id = ?", (json.dumps(tags), group_id))


def delete_expired(connection: sqlite3.Connection, now_ms: int) -> bool:
    """One step of the sweep: remove some events past their group's retention. Whether there may be more.

    A chunk goes as a whole, with its latest event: others outlive their retention by seconds.
    """
    groups = connection.execute("SELECT id, retention_days FROM log_groups WHERE retention_days IS NOT NULL").fetchall()
    for group_id, days in groups:
        before = now_ms - days * DAY_MS
        query = """DELETE FROM log_chunks WHERE id IN (
            SELECT id FROM log_chunks WHERE group_id = ? AND first_ms < ? AND last_ms < ? ORDER BY first_ms LIMIT ?)
            RETURNING stored_bytes"""
        gone = connection.execute(query, (group_id, before, before, EXPIRED_PER_STEP)).fetchall()
        _forget_bytes(connection, group_id, gone)
        if len(gone) == EXPIRED_PER_STEP:
            return True
    return False


def _forget_bytes(connection: sqlite3.Connection, group_id: int, gone: list[tuple[int]]) -> None:
    query = "UPDATE log_groups SET stored_bytes = stored_bytes - ? WHERE id = ?"
    connection.execute(query, (sum(size for (size,) in gone), group_id))
