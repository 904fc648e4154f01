"""STS: who is calling. May import `wire` and `model`. Read `service.py`."""
