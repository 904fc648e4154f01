"""The kernel's mechanisms, one a file: calls, mounts, namespaces, credentials, seccomp, cgroups, disks, networks.

Knows nothing of functions or sandboxes and imports nothing of Stoker outside this package. `syscalls`, `mounts`,
`namespaces`, `credentials` and `seccomp` are also read by CPython 3.9 and later inside a runtime's zygote, so they keep
to that syntax, to the standard library and to imports that are quick. Read `syscalls.py` first.
"""
