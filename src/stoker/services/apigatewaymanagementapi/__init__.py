"""The management API of WebSocket APIs: messages to their clients. May import `apis` and below. Read `service.py`."""
