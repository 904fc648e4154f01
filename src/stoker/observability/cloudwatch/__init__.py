"""CloudWatch's metrics: what is published, what Lambda and others measure, kept by the minute and asked for.

Samples come together in a `points.Points` (by metric, unit and period) and are written by `writing.py` in the
transaction of whatever brought them; `reading.py` asks, `retention.py` rolls up and expires. `statistic.py` is what is
known of a period. Read `statistic.py` first. May import what the package around it may.
"""
