"""API Gateway's first API, of REST APIs. May import `apis`, `wire` and `model`.

Read `service.py` first: it says which module answers which operation. The engine is `apis.rest`, whose documents have
the words of this API: little is left to translate.
"""
