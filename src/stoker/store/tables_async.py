"""Tables of asynchronous invocation: events on their way, how each function wants them treated, allowed loops."""

from sqlalchemy import Column, Float, Index, Integer, LargeBinary, String, Table

from stoker.store.tables import metadata

# An event that was answered with 202 and is not settled. `due_at` (seconds since the epoch, as all times here) is when
# it may next be picked up; for one that `owner` has picked up it is when the lease ends. `attempts` are the runs that
# ended in a function error, `backoffs` the times in a row that it could not run.
async_events = Table(
    "async_events",
    metadata,
    Column("request_id", String, primary_key=True),
    Column("region", String, nullable=False),
    Column("function", String, nullable=False),
    Column("qualifier", String),
    Column("client_context", String),
    Column("trace_id", String, nullable=False),
    Column("accepted_at", Float(53), nullable=False),
    Column("due_at", Float(53), nullable=False),
    Column("owner", String),
    Column("attempts", Integer, nullable=False),
    Column("backoffs", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)
Index("ix_async_events_due", async_events.c.due_at)
Index("ix_async_events_function", async_events.c.region, async_events.c.function)

# `qualifier` is `$LATEST` where the caller gave none; what was not set is null.
event_invoke_configs = Table(
    "event_invoke_configs",
    metadata,
    Column("region", String, primary_key=True),
    Column("function", String, primary_key=True),
    Column("qualifier", String, primary_key=True),
    Column("retry_attempts", Integer),
    Column("event_age_s", Integer),
    Column("on_success", String),
    Column("on_failure", String),
    Column("last_modified", Float(53), nullable=False),
)

# The functions that may call themselves without end.
recursive_functions = Table(
    "recursive_functions",
    metadata,
    Column("region", String, primary_key=True),
    Column("function", String, primary_key=True),
)
