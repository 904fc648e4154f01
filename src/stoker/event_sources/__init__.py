"""Event source mappings: what arrives in a source is brought to a function in batches, and settled by how that went.

May import `invocations` and below. Read `source.py` first: it is the protocol that a source of one's own implements
(`folder_source.py` is the worked example, `sqs_source.py` the everyday one). Then `queue_loop.py`.
"""
