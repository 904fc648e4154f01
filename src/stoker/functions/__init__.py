"""Functions as Lambda's control plane knows them: configuration, code, versions, aliases, policies, tags and layers.

May import `store` and what is below it. Read `registry.py` first: it has the life of a function. A file beside it per
concept; `packages.py` (zips), `code_storage.py` (what is unpacked where) and `runtimes.py` stand on their own.
"""
