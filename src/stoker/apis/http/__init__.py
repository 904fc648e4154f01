"""HTTP and WebSocket APIs (API Gateway V2).

An API and its parts are documents in the API's own words. Read `draft.py` first (an API while it is changed), then
`parts.py` and a kind of part beside it (`routes.py`), `compiled.py` (what of a deployed stage a request needs) and
`host.py` (how a request is answered). `routing.py`, `mapping.py` and `throttle.py` are pure.
"""
