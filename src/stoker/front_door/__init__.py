"""The front door: HTTP in and out, and which API a request is for.

May import `services`, `wire`, `settings`, `model` and everything further down. Read `app.py` first (the ASGI
application and the one error boundary), then `server.py` (sockets), `connection.py` (what a hostile client may not do).
"""
