"""Sandboxes: one function process (or process tree) behind real walls.

May import `store`, `observability`, `model`, `bootstrap` and `linux`. Read `spec.py` (what a sandbox is made of), then
`driver.py` (the protocol), then `linux_driver.py` and `gvisor_driver.py`, its two implementations.
"""
