"""Rows of PostgreSQL as an event source: what logical replication tells, brought to functions like a stream.

May import what `event_sources` may. Read `source.py` first, then `rows.py` (the stream), `row_events.py` (what becomes
of PostgreSQL's messages), `pgoutput.py` (the messages) and `replication.py` (the connection that they come by).
"""
