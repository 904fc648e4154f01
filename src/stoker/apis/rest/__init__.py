"""REST APIs: API Gateway's first API, from its documents to the answer of a request.

An API is one document in the words of the API Gateway API (`documents.py`), which the operations change; a deployment
is a copy of it. What serves requests is compiled from such a copy (`blueprint.py`). Read `documents.py` and
`execution.py` first. `vtl` is the language of mapping templates.
"""
