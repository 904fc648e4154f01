"""S3's API: wire words to values and back; the rules are in `objects`.

Read `service.py` (which operation is served by what), then `words.py` (what the operations share).
"""
