"""Logs Insights: queries over log events, in CloudWatch's language.

Read `query.py` first, what a query is; `parser.py` makes one of its text, `pipeline.py` runs it over rows, `worker.py`
is the process that does, and `queries.py` its host. May import the rest of `observability`, `model` and `linux`.
"""
