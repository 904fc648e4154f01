"""Streams of records, as Kinesis keeps them: shards, sequence numbers, iterators, splitting and merging.

May import `store`, `deliveries` and `model`. Read `stream.py` first (what a stream is), then `streams.py` (the
operations on streams) and `records.py` (records put and read). `resharding.py` and `hash_keys.py` are pure.
"""
