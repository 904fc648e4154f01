"""Deliveries: how something that happened in one service gets to another, durably.

May import `store`, `wire`, `observability` and below. Read `delivery.py` (what is delivered), then `targets.py` (who
takes deliveries) and `outbox.py` (what is on its way). `leased_work.py` is the machinery of every durable queue whose
work this process does: the outbox's, and that of asynchronous invocations.
"""
