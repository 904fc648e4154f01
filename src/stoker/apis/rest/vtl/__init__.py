"""Velocity templates, as API Gateway's mapping templates are written.

An engine of its own because a template is somebody else's: the kept ones look names up with `getattr`, which hands a
template the whole interpreter. Here it reaches only what `methods.py` lists, within a budget of steps and bytes.
Imports nothing else of Stoker's but `model.limited_regex`. Read `nodes.py` first (what a template is), then `parser.py`
and `evaluation.py`.
"""
