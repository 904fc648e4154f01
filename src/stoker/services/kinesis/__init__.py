"""Kinesis Data Streams: requests to streams and records, and their outcomes in its words.

May import `streams`, `wire` and `model`. Read `service.py` first: it says which module answers which operation.
"""
