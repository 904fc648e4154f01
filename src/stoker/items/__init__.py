"""Items, as DynamoDB keeps them: tables, keys, expressions, indexes, transactions, streams of changes.

May import `store`, `deliveries` and `model`. An item is a dict in wire words: `{"id": {"S": "a"}, "n": {"N": "1"}}`,
with bytes where the wire has base64 and numbers in their canonical form. Read `table.py` first (what a table is), then
`writing.py` (one write: decided on the item that is there, then done to rows, indexes and the stream), `reading.py` and
`expression.py`. `number.py`, `attribute_value.py`, `binding.py`, `conditions.py` and `updates.py` are pure.
"""
