"""The front door: HTTP in and out, and which API a request is for.

May import `services`, `wire`, `settings`, `model` and everything further down. Read `app.py` first (from a request to
its answer, and the one error boundary), then `server.py` (sockets), `connection.py` (bytes to requests, and what a
hostile client may not do), `answering.py` (what frames an answer).
"""
