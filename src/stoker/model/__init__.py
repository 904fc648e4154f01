"""Values and rules without I/O: what everything above speaks in.

May import nothing of Stoker's but `linux`'s absence: only the standard library. Read `function.py` first,
then `invocation.py`.
"""
