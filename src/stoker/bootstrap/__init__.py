"""What runs inside a sandbox: standard library only, and in a syntax that CPython 3.9 reads.

Nothing here imports Stoker; `sandbox` puts these files into the sandbox at /var/runtime.
"""
