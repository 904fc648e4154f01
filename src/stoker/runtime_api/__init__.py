"""The Runtime API: how a function's process asks for work and answers it.

May import `store`, `observability`, `model`. Read `session.py` (the protocol, sans-I/O), then `server.py` (the official
HTTP form) and `frames.py` (the same over a plain socket, for our own bootstraps). `extensions.py` is what extensions
may say, and `telemetry.py` what they may subscribe to.
"""
