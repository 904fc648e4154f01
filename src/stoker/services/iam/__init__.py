"""Identity and Access Management, thin: its words to values of `stoker.identity` and back.

May import `identity` and what lies below. Read `service.py` first, then `words.py`.
"""
