"""API Gateway: HTTP, WebSocket and REST APIs, from their configuration to the answer of a request.

May import `deliveries`, `store`, `wire`, `observability` and below. Read `request.py` first (what comes from the front
door, and who answers it). `http` has HTTP and WebSocket APIs, `rest` has REST APIs. Functions are called and policies
asked through what `serve` hands in.
"""
