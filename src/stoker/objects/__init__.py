"""S3: buckets, objects and what happens to them, on the store and on a place for bytes.

May import `deliveries`, `store`, `wire` and `model`. Read `objects.py` first (an object's life), then `byte_store.py`
(the port behind which bytes are, and what survives a crash). Decisions are in files of their own: `changes.py`,
`conditions.py`, `listing.py`, `lifecycle_rules.py`, `notifications.py`.
"""
