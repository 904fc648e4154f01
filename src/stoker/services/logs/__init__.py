"""CloudWatch Logs: groups, streams, events, retention, tags and live tail, over the telemetry database.

May import `observability`, `wire` and `model`. Read `service.py` first: it says which module answers which operation.
"""
