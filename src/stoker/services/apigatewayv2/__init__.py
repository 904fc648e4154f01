"""API Gateway V2: HTTP and WebSocket APIs. Wire words to values and back; `apis.http` decides."""
