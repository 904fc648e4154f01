"""Invocations: from a caller's request to its result.

May import `environments` and below. Read `invoker.py` first.
"""
