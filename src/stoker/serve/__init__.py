"""The composition root: builds every part, starts them in order, and takes them down in the opposite one.

May import everything but `cli`. Read `run.py` first, then `platform.py` (what every area stands on) and `areas.py`
(what there is on top of it: an area is some AWS services and what works behind them).
"""
