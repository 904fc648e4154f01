"""The durable state: one SQL store on SQLite or PostgreSQL, blobs in files, and the lock on the data directory.

Knows nothing of Lambda but the tables that other areas put beside it (`tables_<area>.py`). May import only `model`,
`settings` and `linux` of Stoker's. Read `store.py` first, then `writer.py` for how commits are shared.
"""
