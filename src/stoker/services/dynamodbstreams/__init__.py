"""DynamoDB Streams: streams, shards, iterators and records.

May import `items`, `wire` and `model`. Read `service.py`.
"""
