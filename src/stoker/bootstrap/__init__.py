"""What runs inside a sandbox: standard library and `stoker.linux` only, in a syntax that CPython 3.9 reads.

`sandbox` ships these files, with `linux`, to every interpreter as they are. Read `zygote.py` first (the fork server,
one per interpreter), then `init.py` (process 1 of an environment), `worker.py` (the function's process) and
`python_client.py` (the official runtime client's transport).
"""
